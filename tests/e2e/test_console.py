"""The console as people see it: in a browser, from disk and from the server, in light and dark."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn
from sqlalchemy import select

from rollback_drills.console.export import write_export
from rollback_drills.console.links import PrefectLinks, StaticLinks
from rollback_drills.console.source import Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from rollback_drills.settings import Settings
from rollback_drills_api.app import build_app
from rollback_drills_api.logins import parse_login
from rollback_drills_api.options import ApiOptions
from tests.api.played_flows import NEED_APPROVAL, play_flows
from tests.e2e.chromium import PROGRAM, Browser, open_browser
from tests.e2e.console_site import HOSTILE, START, build_site
from tests.samples.builders import SCHEDULE
from tests.samples.world import World
from tests.unit.console.test_undelivered import BusyWorld, look_at

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no chromium; on Debian: apt install chromium"
)

LINKS: Final = StaticLinks(PrefectLinks("http://127.0.0.1:4200"))
PAGES: Final = {
    "fleet": "index.html",
    "calendar": "calendar-2026-12.html",
    "this month": "calendar.html",
    "schedule": LINKS.schedule("payments"),
    "hostile schedule": LINKS.schedule(HOSTILE),
    "acknowledgements": "acknowledgements.html",
    "changes": "changes.html",
    "undelivered": "undelivered.html",
    "outages": "outages.html",
    "trends": "trends.html",
    "evidence": "evidence.html",
}
SCHEMES: Final = ("light", "dark")
_SERIOUS: Final = {"serious", "critical"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Console, Path]]:
    """Write the console of a fleet that has lived for weeks, and give it with its folder."""
    home = tmp_path_factory.mktemp("console")
    console = build_site(home)
    write_export(console, home / "site", LINKS, progress=lambda _: None)
    yield console, home / "site"
    console.evidence().engine.dispose()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start a browser."""
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def axe() -> str:
    """Return the source of axe-core."""
    return (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


def find_violations(browser: Browser, axe: str) -> list[str]:
    """Return what axe-core finds to be serious, each with its first place."""
    browser.run(f"{axe}; null")
    tags = json.dumps({"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    found: list[dict[str, Any]] = browser.run(f"axe.run(document, {tags}).then(result => result.violations)")
    return [
        f"{each['id']}: {each['help']} at {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in _SERIOUS
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_from_disk_is_complete_quiet_and_accessible(
    site: tuple[Console, Path], browser: Browser, axe: str, page: str, scheme: str
) -> None:
    folder = site[1]
    browser.show(scheme)
    browser.open((folder / PAGES[page]).as_uri())

    assert (
        browser.run("getComputedStyle(document.querySelector('.scroll, .tile, .month')).borderRadius")
        == "10px"
    )
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(246, 247, 249)", "dark": "rgb(16, 21, 27)"}[scheme]
    assert browser.run("document.querySelectorAll('img, script').length") == 0
    assert find_violations(browser, axe) == []
    assert len(browser.picture(900)) > 20_000
    assert {request.rpartition("/")[0] for request in browser.requests} == {folder.as_uri()}
    assert len(browser.requests) == 2, "the page and its stylesheet"
    assert browser.complaints == []


def test_the_instruments_notice_what_they_look_for(tmp_path: Path, browser: Browser, axe: str) -> None:
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    page = '<p style="color:#999">pale</p><script>1</script><img src="http://127.0.0.1:9/x.png">'
    (tmp_path / "policy.html").write_text(f"<!doctype html>{policy}{page}")
    (tmp_path / "free.html").write_text(f"<!doctype html><html>{page}<script>throw 1</script></html>")

    browser.open((tmp_path / "policy.html").as_uri())
    assert len(browser.complaints) == 3
    browser.open((tmp_path / "free.html").as_uri())
    assert "http://127.0.0.1:9/x.png" in browser.requests
    assert len(browser.complaints) == 2
    rules = {each.partition(":")[0] for each in find_violations(browser, axe)}
    assert {"color-contrast", "image-alt", "html-has-lang"} <= rules


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_is_wider_than_its_window(site: tuple[Console, Path], browser: Browser, width: int) -> None:
    browser.show("light", width=width)
    for page in PAGES.values():
        browser.open((site[1] / page).as_uri())
        assert browser.run("document.documentElement.scrollWidth") <= width, page


PHONE: Final = (390, 844)
BROKEN_WORDS: Final = """
(() => {
  const broken = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('.hidden, thead, .warning, code')) continue;
    for (const found of node.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      const lines = new Set([...range.getClientRects()].map(each => Math.round(each.top)));
      if (lines.size > 1) broken.push(found[0]);
    }
  }
  return broken;
})()
"""


def build_troubled_fleet(folder: Path) -> Console:
    """Return ten schedules that are all overdue, escalated and have a drill that was not accepted."""
    names = [f"{name}-service" for name in ("payments", "customer-identity", "search", "ledger", "fraud")]
    names += [f"{name}-reporting" for name in ("payments", "customer-identity", "search", "ledger", "fraud")]
    owners = ["payments-operations", "release-governance"]
    world = World(
        Database.open(f"sqlite:///{folder / 'phone.db'}"),
        *({"schedule_id": each, "owners": owners, "next_due_at": START.isoformat()} for each in names),
        now=START,
    )
    world.wait(hours=25)
    for name in names:
        world.perform(name, status="fail", fallback_verified=False)
    world.check()
    world.wait(hours=2)
    world.escalate()
    world.wait(minutes=5)
    subjects = world.subjects()
    judgements = judge_all(subjects, Criteria(), now=world.now)
    return read_console(world.database, subjects, judgements, now=world.now)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_phone_shows_ten_schedules_as_cards_on_three_screens(
    browser: Browser, axe: str, tmp_path: Path, scheme: str
) -> None:
    console = build_troubled_fleet(tmp_path)
    write_export(console, tmp_path / "site", LINKS, progress=lambda _: None)
    width, height = PHONE
    browser.show(scheme, width=width, height=height)
    browser.open((tmp_path / "site/index.html").as_uri())

    assert browser.run("document.querySelectorAll('.cards tbody tr').length") == 10
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run("document.querySelector('.scroll').scrollWidth") <= width
    assert browser.run("document.documentElement.scrollHeight") <= 3 * height
    assert browser.run(BROKEN_WORDS) == []
    card = "document.querySelector('.cards tbody tr')"
    assert browser.run(f"getComputedStyle({card}).display") == "grid"
    text = browser.run(f"{card}.innerText")
    for each in (
        "needs attention",
        "customer-identity-reporting",
        "1 day ago",
        "payments-operations",
        "perform the drill",
    ):
        assert each in text
    assert find_violations(browser, axe) == []


def test_the_page_of_a_schedule_folds_on_a_phone_what_is_rarely_read_and_prints_it(
    site: tuple[Console, Path], browser: Browser, axe: str
) -> None:
    width, height = PHONE
    browser.show("light", width=width, height=height)
    browser.open((site[1] / PAGES["schedule"]).as_uri())
    passed = "document.querySelector('[aria-labelledby=passed-caption]').checkVisibility()"
    assert browser.run("document.documentElement.scrollHeight") <= 5.5 * height
    assert browser.run(passed) is False
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert browser.run(passed) is True

    browser.show("light", width=width, height=height)
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.run(passed) is True
    assert find_violations(browser, axe) == []
    assert browser.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("page", [name for name in PAGES if name not in ("trends", "hostile schedule")])
def test_no_page_breaks_a_word_or_scrolls_sideways_on_a_phone(
    site: tuple[Console, Path], browser: Browser, page: str
) -> None:
    browser.show("light", width=PHONE[0], height=PHONE[1])
    browser.open((site[1] / PAGES[page]).as_uri())

    assert browser.run("document.documentElement.scrollWidth") == PHONE[0]
    sideways = "[...document.querySelectorAll('.scroll table')].filter(each => each.scrollWidth > 390).length"
    assert browser.run(sideways) == 0
    assert [each for each in browser.run(BROKEN_WORDS) if len(each) < 20] == []


def test_a_phone_has_room_for_the_next_attempt_and_whom_it_is_for(browser: Browser, tmp_path: Path) -> None:
    world = BusyWorld(Database.open(f"sqlite:///{tmp_path / 'busy.db'}"), {"owners": ["release-governance"]})
    world.refusing.add("slack")
    world.check()
    write_export(look_at(world), tmp_path / "site", LINKS, progress=lambda _: None)
    browser.show("light", width=PHONE[0], height=PHONE[1])
    browser.open((tmp_path / "site" / PAGES["undelivered"]).as_uri())

    assert browser.run(BROKEN_WORDS) == []
    between = "getComputedStyle(document.querySelector('.cards .ago + .when'), '::before').content"
    assert "·" in browser.run(between), "two numbers in a row are no text: in 1 minute 1 Dec 2026"


def test_the_instrument_notices_a_broken_word(tmp_path: Path, browser: Browser) -> None:
    text = '<p style="width: 4em; overflow-wrap: anywhere">governance of it</p>'
    (tmp_path / "words.html").write_text(f"<!doctype html><main>{text}</main>")
    browser.open((tmp_path / "words.html").as_uri())
    assert browser.run(BROKEN_WORDS) == ["governance"]


def test_the_keyboard_reaches_the_content_first_and_sees_where_it_is(
    site: tuple[Console, Path], browser: Browser
) -> None:
    browser.show("light")
    browser.open((site[1] / "index.html").as_uri())
    browser.press("Tab", 9)

    assert browser.run("document.activeElement.textContent") == "Skip to the content"
    assert browser.run("document.activeElement.getBoundingClientRect().left") >= 0
    assert browser.run("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    browser.run("document.activeElement.click()")
    assert browser.run("document.activeElement.id") == "main"


def test_a_printed_page_has_its_tables_and_not_its_navigation(
    site: tuple[Console, Path], browser: Browser
) -> None:
    browser.open((site[1] / "index.html").as_uri())
    browser.ask("Emulation.setEmulatedMedia", media="print")

    assert browser.run("getComputedStyle(document.querySelector('.top nav')).display") == "none"
    assert browser.run("document.querySelector('table').offsetHeight") > 100
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.show("light")


@contextmanager
def serve(options: ApiOptions) -> Iterator[str]:
    """Serve the API in a thread, and give its address."""
    server = uvicorn.Server(uvicorn.Config(build_app(options), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def test_the_served_console_is_filtered_by_links_and_a_form(
    site: tuple[Console, Path], browser: Browser, axe: str, tmp_path: Path
) -> None:
    lines = [json.dumps({**SCHEDULE, "schedule_id": name}) for name in ("payments", "search", HOSTILE)]
    (tmp_path / "fleet.jsonl").write_text("\n".join(lines))
    settings = Settings(
        schedule=os.fspath(tmp_path / "fleet.jsonl"),
        database_url=f"sqlite:///{site[1].parent / 'evidence.db'}",
    )
    browser.show("light")
    with serve(ApiOptions(lambda: (), settings, is_public_to_read=True)) as address:
        browser.open(f"{address}/console")
        assert browser.complaints == []
        assert {request.removeprefix(address) for request in browser.requests} == {
            "/console",
            "/console/style.css",
        }
        assert find_violations(browser, axe) == []

        browser.show("dark", width=390)
        browser.open(f"{address}/console/calendar?owner=team-a")
        assert browser.complaints == []
        assert find_violations(browser, axe) == []
        assert browser.run("document.documentElement.scrollWidth") <= 390
        browser.follow("document.querySelector('a[rel=next]').click()")
        assert browser.run("location.search").startswith("?owner=team-a&month=")
        browser.show("light")
        browser.open(f"{address}/console")

        for scheme, width in (("light", 1280), ("dark", 390)):
            browser.show(scheme, width=width)
            browser.open(f"{address}/docs")
            browser.run("document.querySelector('details').open = true")
            assert browser.complaints == []
            assert find_violations(browser, axe) == []
            assert browser.run("document.documentElement.scrollWidth") <= width
        browser.show("light")
        browser.open(f"{address}/console")

        browser.open(link_of(browser, HOSTILE))
        assert browser.complaints == []
        assert browser.run("document.querySelector('h1').textContent") == HOSTILE

        browser.open(f"{address}/console")
        browser.run("document.querySelector('#search').value = 'AYM'")
        browser.follow("document.querySelector('button').click()")
        assert browser.run("location.search") == "?search=AYM"
        assert browser.run("document.querySelectorAll('table.fleet tbody tr').length") == 1
        assert browser.complaints == []


def link_of(browser: Browser, text: str) -> str:
    """Return the address that the link of a text leads to."""
    found: str = browser.run(
        f"[...document.querySelectorAll('tbody th a')].find(each => each.textContent === {json.dumps(text)})"
        ".href"
    )
    return found


@pytest.fixture
def acting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ApiOptions]]:
    """Serve an overdue schedule behind a proxy whose people may decide; flows are played."""
    now = datetime.now(UTC)
    document = {**SCHEDULE, "next_due_at": (now - timedelta(days=1)).isoformat(timespec="seconds")}
    (tmp_path / "schedule.json").write_text(json.dumps(document))
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    World(Database.open(url), document, now=now - timedelta(minutes=90)).check()
    settings = Settings(schedule=os.fspath(tmp_path / "schedule.json"), database_url=url)
    login = parse_login("X-Remote-User", "127.0.0.1", "operate, admin")
    options = ApiOptions(lambda: (), settings, login=login, is_embedded=True)
    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_flows(options))
    with serve(options) as address:
        yield address, options


def log_in(browser: Browser, person: str) -> None:
    """Let the browser send what the proxy would add."""
    browser.ask("Network.setExtraHTTPHeaders", headers={"X-Remote-User": person} if person else {})


def test_two_people_send_a_dead_letter_again_on_a_phone(
    acting: tuple[str, ApiOptions], browser: Browser, axe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, options = acting
    monkeypatch.setattr("rollback_drills_api.replays.find_replay_approvals", lambda: NEED_APPROVAL)
    with Database.at(options.database_url).write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET state = 'permanent', is_indexed = 1")
    browser.show("light", width=390, height=844)
    log_in(browser, "maria")
    browser.open(f"{base}/console/undelivered")
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert find_violations(browser, axe) == []
    dead = "[...document.querySelectorAll('.pair')].find(each => each.innerText.includes('through teams'))"
    browser.run(f"{dead}.querySelector('[name=reason]').value = 'the channel exists again'")
    browser.follow(f"{dead}.querySelector('button').click()")
    assert "The connector needs a second person" in browser.run("document.body.innerText")

    log_in(browser, "anna")
    browser.show("dark", width=390, height=844)
    browser.open(f"{base}/console/outages")
    assert find_violations(browser, axe) == []
    for text in ("The replay is approved", "Your replay is in the evidence"):
        browser.follow("document.querySelector('form button').click()")
        assert text in browser.run("document.body.innerText")
    assert browser.complaints == []
    log_in(browser, "")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_two_people_act_on_a_phone_by_forms(
    acting: tuple[str, ApiOptions], browser: Browser, axe: str, scheme: str
) -> None:
    base, _ = acting
    page = f"{base}/console/schedule?id=payments"
    browser.show(scheme, width=390, height=844)
    log_in(browser, "maria")
    browser.open(page)
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert find_violations(browser, axe) == []

    browser.follow("document.querySelector('form[action$=acknowledge] button').click()")
    assert "Your acknowledgement is in the evidence" in browser.run("document.body.innerText")
    address = browser.run("location.pathname + location.search")
    assert address.startswith("/console/schedule?id=payments&done=acknowledged")

    browser.run("document.querySelector('#request-until').value = '2020-01-01T09:00'")
    browser.run("document.querySelector('#request-reason').value = 'a freeze'")
    browser.follow("document.querySelector('form[action$=request] button').click()")
    assert "is past" in browser.run("document.querySelector('[role=alert]').innerText")
    assert browser.run("document.querySelector('#request-reason').value") == "a freeze"
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert find_violations(browser, axe) == []
    until = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%dT%H:%M}"
    browser.run(f"document.querySelector('#request-until').value = '{until}'")
    browser.follow("document.querySelector('form[action$=request] button').click()")
    assert "You requested it. Somebody else approves it." in browser.run("document.body.innerText")
    assert browser.run("document.querySelectorAll('button[value=approve]').length") == 0

    log_in(browser, "anna")
    browser.open(page)
    assert find_violations(browser, axe) == []
    assert browser.run("document.documentElement.scrollWidth") <= 390
    browser.follow("document.querySelector('button[value=approve]').click()")
    assert "The request is approved, and the exception holds." in browser.run("document.body.innerText")
    assert "by anna via proxy: a freeze" in browser.run("document.body.innerText")
    assert [each for each in browser.complaints if "422" not in each] == []
    log_in(browser, "")


def test_a_page_of_another_origin_cannot_use_a_login(
    acting: tuple[str, ApiOptions], browser: Browser, tmp_path: Path
) -> None:
    address, options = acting
    log_in(browser, "maria")
    browser.open(f"{address}/console/schedule?id=payments")
    mark = browser.run("document.querySelector('[name=mark]').value")
    field = '<input name="{}" value="{}">'
    fields = "".join(field.format(*each) for each in (("id", "payments"), ("mark", mark), ("route", "")))
    target = f"{address}/console/schedule/acknowledge"
    form = f"<form method=post action={target}>{fields}<button>go</button></form>"
    (tmp_path / "evil.html").write_text(f"<!doctype html>{form}")

    browser.open((tmp_path / "evil.html").as_uri())
    browser.follow("document.querySelector('button').click()")

    assert "Another site sent this form" in browser.run("document.body.innerText")
    with Database.at(options.database_url).read() as connection:
        kinds = connection.scalars(select(LEDGER.c.metadata_kind)).all()
    assert ACKNOWLEDGEMENT_KIND not in kinds
    log_in(browser, "")
