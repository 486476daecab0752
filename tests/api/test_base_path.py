"""The console behind a proxy: whatever its pages lead a browser to lies below the path of the proxy."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from rollback_drills_api.app import build_app
from rollback_drills_api.logins import parse_login
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import Keys
from tests.api.played_flows import play_flows
from tests.reading.html_pages import HtmlPage

BASE = "/drills"
SITE = "http://testserver"
MOST_PAGES = 400
MARK = r'name="mark" value="([^"]+)"'
ROUTE = r'value="(gordroute-[0-9a-f]+)"'


class Proxy:
    """Passes requests below the base path on, as a proxy does that keeps the path or takes it off."""

    def __init__(self, client: TestClient, *, keeps_path: bool) -> None:
        self._client, self._keeps_path = client, keeps_path

    def ask(self, address: str, method: str = "GET", **fields: str) -> Response:
        """Ask for what a browser names by this address."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}" == SITE, address
        assert parts.path.startswith(f"{BASE}/"), f"{address} is not below {BASE}/"
        path = parts.path if self._keeps_path else parts.path.removeprefix(BASE)
        query = f"?{parts.query}" if parts.query else ""
        data = fields or None
        return self._client.request(
            method,
            f"{path}{query}",
            data=data,
            headers={"x-remote-user": "maria", "accept": "text/html", "sec-fetch-site": "same-origin"},
            follow_redirects=False,
        )


@pytest.fixture(params=[True, False], ids=["keeps the path", "takes it off"])
def proxy(options: ApiOptions, keys: Keys, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    login = parse_login("X-Remote-User", "127.0.0.1", "admin")
    served = replace(options, base_path=BASE if request.param else "", login=login, is_public_to_read=True)
    with TestClient(build_app(served), raise_server_exceptions=False) as client:
        client._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # of starlette
        yield Proxy(client, keeps_path=request.param)


def find_addresses(page: HtmlPage, address: str) -> Iterator[tuple[str, str]]:
    """Yield the method and the address of everything that a page leads to."""
    for each in page.elements:
        for name in ("href", "src"):
            if name in each.attributes and not each.attributes[name].startswith("#"):
                yield "GET", urljoin(address, each.attributes[name])
        if each.tag == "form":
            method = each.attributes.get("method", "get").upper()
            yield method, urljoin(address, each.attributes.get("action", ""))


def test_everything_that_a_page_leads_to_lies_below_the_path_of_the_proxy(proxy: Proxy) -> None:
    lost = f"{SITE}{BASE}/console/nothing/here?of=this"
    waiting = [("GET", each) for each in (f"{SITE}{BASE}/", f"{SITE}{BASE}/docs", lost)]
    seen: set[tuple[str, str]] = set()
    kinds, forms = set(), set()
    while waiting and len(seen) < MOST_PAGES:
        method, found = waiting.pop(0)
        address = urlsplit(found)._replace(fragment="").geturl()
        if (method, address) in seen or urlsplit(address).netloc != urlsplit(SITE).netloc:
            continue
        seen.add((method, address))
        answer = proxy.ask(address, method)
        expected = (404,) if address == lost else (200, 303, 307, 308) if method == "GET" else (403, 404)
        assert answer.status_code in expected, (method, address, answer.text[:300])
        if method == "POST":  # without its fields
            assert "There is nothing at this path" not in answer.text
            forms.add(urlsplit(address).path.removeprefix(f"{BASE}/console/"))
        if "location" in answer.headers:
            waiting.append(("GET", urljoin(address, answer.headers["location"])))
        kinds.add(answer.headers.get("content-type", "").partition(";")[0])
        if answer.headers.get("content-type", "").startswith("text/html"):
            waiting += find_addresses(HtmlPage(answer.text), address)
    assert {"text/html", "text/css", "text/csv", "application/json"} <= kinds
    assert {"schedule/acknowledge", "schedule/record", "schedule/request"} <= forms


def test_after_a_form_the_browser_stays_below_the_path_of_the_proxy(
    proxy: Proxy, options: ApiOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_flows(options))
    address = f"{SITE}{BASE}/console/schedule?id=payments"
    page = proxy.ask(address).text
    (action,) = {each for _, each in find_addresses(HtmlPage(page), address) if each.endswith("/acknowledge")}
    (mark, *_), (key, *_) = (re.findall(each, page) for each in (MARK, ROUTE))

    sent = proxy.ask(action, "POST", id="payments", mark=mark, route=key, acknowledged_for_days="2")

    assert sent.status_code == 303, sent.text
    shown = proxy.ask(urljoin(action, sent.headers["location"]))
    assert "acknowledged" in HtmlPage(shown.text).text
