"""The console over HTTP: who may see it, how a browser asks, and what it says when something is missing."""

import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import msgspec
import pytest
from starlette.testclient import TestClient

from rollback_drills_api.app import build_app
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import WRITES, Keys, client_of, overdue
from tests.reading.html_pages import HtmlPage

PAGES = (
    "/console",
    "/console/schedule?id=payments",
    "/console/calendar",
    "/console/acknowledgements",
    "/console/changes",
    "/console/undelivered",
    "/console/outages",
    "/console/trends",
    "/console/evidence",
)


def basic(password: str, name: str = "anybody") -> dict[str, str]:
    """Return the header of a browser that was told a password."""
    return {"authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_html_that_runs_no_script(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in policy
    HtmlPage(answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_address_of_a_page_is_served(client: TestClient, path: str) -> None:
    for address in HtmlPage(client.get(path).text).addresses:
        if not address.startswith("#"):
            found = urljoin(path, address)
            assert found.startswith("/console")
            assert client.get(found).status_code == 200, address


@pytest.mark.parametrize(
    "path", [*PAGES, "/console?page=99", "/console/nothing/here", "/console/schedule?id=x"]
)
def test_a_page_works_below_any_path_of_a_proxy(client: TestClient, path: str) -> None:
    addresses = HtmlPage(client.get(path).text).addresses
    assert addresses
    for address in addresses:
        if not address.startswith("#"):
            found = urljoin(f"https://ops.example.com/drills{path}", address)
            assert found.startswith("https://ops.example.com/drills/console")
            assert client.get(found.removeprefix("https://ops.example.com/drills")).status_code == 200


def test_a_slash_too_many_is_taken_away_below_any_path(client: TestClient) -> None:
    answer = client.get("/console/", follow_redirects=False)
    assert urljoin("/drills/console/", answer.headers["location"]) == "/drills/console"


@pytest.mark.parametrize("way", ["the proxy keeps the path", "the server is told a root path"])
def test_a_base_path_in_the_requests_is_no_part_of_the_path(
    options: ApiOptions, keys: Keys, way: str
) -> None:
    is_kept = way == "the proxy keeps the path"
    app = build_app(replace(options, base_path="/drills" if is_kept else ""))
    with TestClient(app, root_path="" if is_kept else "/drills") as client:
        client.headers |= keys.header("reader")
        assert client.get("/drills/healthz").status_code == 200
        page = client.get("/drills/console/trends")
        assert page.status_code == 200
        for address in HtmlPage(page.text).addresses:
            if not address.startswith("#"):
                assert client.get(urljoin("/drills/console/trends", address)).status_code == 200
        del client.headers["authorization"]
        answer = client.get("/drills/console", headers=basic(keys.secrets["reader"]))
        assert answer.status_code == 200
        assert client.get("/drillsconsole").status_code in (401, 404)


def test_the_stylesheet_needs_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/console/style.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "url(" not in answer.text
    assert "@import" not in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/console/style.css"])
def test_a_browser_is_asked_for_a_password_and_the_token_is_one(
    options: ApiOptions, keys: Keys, path: str
) -> None:
    with client_of(options) as client:
        asked = client.get(path)
        assert asked.status_code == 401
        assert asked.headers["www-authenticate"] == 'Basic realm="rollback-drills", charset="UTF-8"'
        assert client.get(path, headers=basic(keys.secrets["reader"])).status_code == 200
        assert client.get(path, headers=keys.header("reader")).status_code == 200
        assert client.get(path, headers=basic(keys.secrets["bygone"])).status_code == 401
        assert client.get(path, headers=basic("guess")).status_code == 401


@pytest.mark.parametrize("credentials", ["", "!!!", "bm9jb2xvbg==", "bmFtZTo=", "/w==", "a"])
def test_credentials_that_are_none_are_refused(options: ApiOptions, credentials: str) -> None:
    with client_of(options) as client:
        answer = client.get("/console", headers={"authorization": f"Basic {credentials}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", WRITES)
def test_a_password_that_a_browser_sends_unasked_changes_nothing(
    options: ApiOptions, keys: Keys, path: str
) -> None:
    with client_of(options) as client:
        answer = client.post(path, json={}, headers=basic(keys.secrets["adminer"]))
        read = client.get("/deployment/production-readiness", headers=basic(keys.secrets["reader"]))
    assert answer.status_code == 401
    assert read.status_code == 401


@pytest.mark.parametrize("path", ["/console", "/console/trends", "/console/style.css"])
def test_a_page_without_forms_takes_none(options: ApiOptions, keys: Keys, path: str) -> None:
    with client_of(options) as client:
        answer = client.post(path, data={"id": "payments"}, headers=basic(keys.secrets["adminer"]))
    assert answer.status_code == 405


def test_a_question_at_the_end_of_a_problem_has_no_full_stop(client: TestClient) -> None:
    page = client.get("/console/schedule?id=paymets").text

    assert "Did you mean payments?</p>" in page


def test_where_reading_is_public_nobody_is_asked(options: ApiOptions) -> None:
    with client_of(options, is_public_to_read=True) as client:
        assert client.get("/console").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/console?sort=owner",
        "/console?page=2",
        "/console?onwer=a",
        "/console/schedule?id=..%2Fpayments",
        "/console/schedule",
        "/console/trends?weeks=2",
        "/console/evidence?page=99",
        "/console/evidence?page=x",
    ],
)
def test_a_page_that_is_none_is_said_to_be_none(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert HtmlPage(answer.text).find("h1")[0].text == "There is no such page"


def test_a_path_that_is_no_page_is_a_page_that_says_so(client: TestClient) -> None:
    for name in ("nothing", "a/b", "<b>"):
        answer = client.get(f"/console/{name}")
        assert answer.status_code == 404
        assert HtmlPage(answer.text).find("h1")[0].text == "There is no such page"
        assert "is unknown" not in answer.text
    moved = client.get("/console/", follow_redirects=False).headers["location"]
    assert urljoin("/console/", moved) == "/console"


def test_no_evidence_yet_is_no_outage(options: ApiOptions, keys: Keys, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(options.settings, database_url=f"sqlite:///{tmp_path / 'new.db'}")
    with client_of(options, settings=settings) as client:
        answer = client.get("/console/evidence", headers=keys.header("reader"))
    assert answer.status_code == 200
    assert HtmlPage(answer.text).find("h1")[0].text == "There is no evidence yet"


def test_what_was_asked_comes_back_as_text(client: TestClient) -> None:
    answer = client.get("/console", params={"search": '"><script>alert(1)</script>'})
    page = HtmlPage(answer.text)
    assert page.find("input", name="search")[0].attributes["value"] == '"><script>alert(1)</script>'
    assert "No schedule matches." in page.text


def test_documents_that_cannot_be_read_are_an_outage(options: ApiOptions, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "schedule.json").unlink()
    (tmp_path / "schedule.json").symlink_to(tmp_path / "empty")
    with client_of(options) as client:
        for path in PAGES:
            answer = client.get(path, headers=keys.header("reader"))
            assert answer.status_code == 503
            page = HtmlPage(answer.text)
            assert page.find("h1")[0].text == "The documents cannot be read"
            assert str(tmp_path) not in answer.text


def test_a_broken_database_is_an_outage_of_evidence_alone(
    options: ApiOptions, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "evidence.db").write_text("no database at all")
    for rest in ("evidence.db-wal", "evidence.db-shm"):
        (tmp_path / rest).unlink(missing_ok=True)
    with client_of(options) as client:
        fleet = client.get("/console", headers=keys.header("reader"))
        trends = client.get("/console/trends", headers=keys.header("reader"))

    assert fleet.status_code == 200
    assert "the log of the API says why" in HtmlPage(fleet.text).text
    assert trends.status_code == 503
    assert "The evidence cannot be read" in HtmlPage(trends.text).text
    assert str(tmp_path) not in fleet.text + trends.text


def test_links_to_prefect_are_there_where_its_address_is_known(options: ApiOptions, keys: Keys) -> None:
    with client_of(options, prefect_url="http://prefect:4200") as client:
        page = HtmlPage(client.get("/console/schedule?id=payments", headers=keys.header("reader")).text)
    strangers = [each for each in page.addresses if urlsplit(each).netloc]
    assert "http://prefect:4200/artifacts/key/rollback-drill-payments" in strangers
    assert all(each.startswith("http://prefect:4200/") for each in strangers)


def test_a_page_changes_with_the_documents(options: ApiOptions, keys: Keys, tmp_path: Path) -> None:
    with client_of(options) as client:
        before = client.get("/console", headers=keys.header("reader")).text
        (tmp_path / "schedule.json").write_text(json.dumps(overdue("billing")))
        client.app.state.service.forget()  # type: ignore[attr-defined]  # of the application in the client
        after = client.get("/console", headers=keys.header("reader")).text
    assert ">payments<" in before
    assert ">billing<" in after


@pytest.mark.parametrize(
    "path",
    [
        *(
            "fleet",
            "fleet?state=needs_attention&page=7",
            "calendar",
            "evidence",
            "acknowledgements",
            "changes",
        ),
        *("waiting", "dead-letters", "deliveries", "suppressions", "suppressed-owners", "connectors"),
        *("outages", "replays"),
        *(f"{name}?id=payments" for name in ("checks", "decisions", "coming", "events", "drills")),
    ],
)
def test_every_table_is_served_as_csv(client: TestClient, path: str) -> None:
    answer = client.get(f"/console/csv/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{path.partition("?")[0]}.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert client.get(f"/console/csv/{path}").content == answer.content, "also from what is kept ready"


@pytest.mark.parametrize(
    "path", ["fleets", "fleet?onwer=a", "drills", "drills?id=nope", "waiting?id=payments", "evidence?page=99"]
)
def test_a_table_that_is_none_is_a_page_that_says_so(client: TestClient, path: str) -> None:
    answer = client.get(f"/console/csv/{path}")
    assert answer.status_code == 404
    assert "content-disposition" not in answer.headers
    assert HtmlPage(answer.text).find("h1")[0].text == "There is no such page"


def test_tables_need_a_token_as_pages_do(options: ApiOptions, keys: Keys) -> None:
    with client_of(options) as client:
        assert client.get("/console/csv/fleet").status_code == 401
        assert client.get("/console/csv/fleet", headers=basic(keys.secrets["reader"])).status_code == 200


def test_the_fleet_loads_itself_again_only_if_somebody_asks(client: TestClient) -> None:
    assert "http-equiv" not in client.get("/console").text
    page = HtmlPage(client.get("/console?refresh=60&state=needs_attention").text)
    assert page.find("meta", **{"http-equiv": "refresh"})[0].attributes["content"] == "60"
    stops = [each.attributes["href"] for each in page.find("a") if each.text == "Stop"]
    assert stops == ["./console?state=needs_attention"]


def test_the_fleet_names_the_files_that_count_for_nothing(options: ApiOptions, keys: Keys) -> None:
    folder = Path(str(options.settings.schedule)).parent / "fleet"
    folder.mkdir()
    (folder / "payments-schedule.json").write_text(json.dumps(overdue()))
    (folder / "<b>-history.json").write_text("{}")
    settings = msgspec.structs.replace(options.settings, schedule=str(folder), history=None)

    with client_of(options, settings=settings) as client:
        page = client.get("/console", headers=keys.header("reader"))

    assert "&lt;b&gt;-history.json: belongs to no schedule, and its drills count for nothing" in page.text
