"""What a person sees who opens the address of the API."""

from base64 import b64encode
from dataclasses import replace
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from rollback_drills_api.app import build_app
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import Keys, client_of
from tests.reading.html_pages import HtmlPage


def basic(password: str) -> dict[str, str]:
    """Return the header of a calendar or browser that was told a password."""
    return {"authorization": f"Basic {b64encode(f'anybody:{password}'.encode()).decode()}"}


def test_the_address_alone_leads_to_the_console(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "console")
    assert client.get("/").url.path == "/console"


def test_the_way_to_the_console_needs_no_token(options: ApiOptions) -> None:
    with client_of(options) as client:
        assert client.get("/", follow_redirects=False).status_code == 307


@pytest.mark.parametrize("path", ["/drills", "/drills/"])
def test_the_console_is_found_below_the_path_of_a_proxy(options: ApiOptions, path: str) -> None:
    with TestClient(build_app(replace(options, base_path="/drills"))) as client:
        answer = client.get(path, follow_redirects=False)
    assert urljoin(f"https://ops.example.com{path}", answer.headers["location"]).endswith("/drills/console")


def test_the_docs_show_every_operation_without_a_script(client: TestClient) -> None:
    answer = client.get("/docs")
    page = HtmlPage(answer.text)

    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for path, ways in client.get("/openapi.json").json()["paths"].items():
        assert path in page.text
        for operation in ways.values():
            assert operation["description"].partition("\n\n")[0] in page.text
    assert "Days until it ends, at most 30." in page.text
    for address in page.addresses:
        if not address.startswith("#"):
            assert client.get(urljoin("/docs", address)).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/calendar.ics"])
def test_a_browser_and_a_calendar_may_send_the_token_as_a_password(
    options: ApiOptions, keys: Keys, path: str
) -> None:
    with client_of(options) as client:
        asked = client.get(path)
        assert (asked.status_code, asked.headers["www-authenticate"].partition(" ")[0]) == (401, "Basic")
        assert client.get(path, headers=basic(keys.secrets["reader"])).status_code == 200
        assert client.get(path, headers=keys.header("reader")).status_code == 200
        assert client.get(path, headers=basic("guess")).status_code == 401
        assert client.get("/badges/payments.svg", headers=basic(keys.secrets["reader"])).status_code == 401


def test_the_docs_take_no_parameter(client: TestClient) -> None:
    assert client.get("/docs?x=1").status_code == 422
