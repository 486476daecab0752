"""What the pages of the console say, and that they hold whatever documents and evidence contain."""

import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rollback_drills.console.links import Links, PrefectLinks, ServedLinks, StaticLinks, file_name
from rollback_drills.console.pages import (
    OF_EVIDENCE,
    write_acknowledgements,
    write_calendar,
    write_evidence,
    write_fleet,
    write_missing_documents,
    write_missing_evidence,
    write_schedule,
    write_trends,
)
from rollback_drills.console.query import FleetQuery, MonthQuery
from rollback_drills.console.source import NO_EVIDENCE, Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from tests.reading.html_pages import HtmlPage
from tests.samples.builders import DRILL, NOW, make_subject, open_key
from tests.samples.ledgers import FOREIGN_ACKNOWLEDGEMENT, FOREIGN_DELIVERY, import_foreign
from tests.samples.world import FLOW_RUN, World

SERVED = ServedLinks()
HOSTILE = "\"><script>alert(1)</script>&amp;'?#%2e%2e 😀 ;$(reboot)"
READY = {"next_due_at": "2027-03-01T09:00:00Z"}


def look_at(world: World) -> Console:
    """Return the console of a world as it is now."""
    subjects = world.subjects()
    return read_console(
        world.database, subjects, judge_all(subjects, Criteria(), now=world.now), now=world.now
    )


def without_evidence(*subjects: Subject, why: str | None = None) -> Console:
    """Return the console of some documents alone."""
    return read_console(why, subjects, judge_all(subjects, Criteria(), now=NOW), now=NOW)


def every_page(console: Console, links: Links) -> Iterator[tuple[str, HtmlPage]]:
    """Write every page there is."""
    yield "fleet", HtmlPage(write_fleet(console, links, FleetQuery()))
    yield "calendar", HtmlPage(write_calendar(console, links, MonthQuery()))
    for name, write in OF_EVIDENCE.items():
        yield name, HtmlPage(write(console, links))
    for schedule_id in console.by_id:
        yield schedule_id, HtmlPage(write_schedule(console, links, schedule_id))


def index_outcomes(world: World) -> None:
    """Take the outcomes out of the outbox into the evidence, as a run does."""
    index_run(
        world.database,
        [],
        created_at=world.now,
        signer="test",
        redact=lambda record: record,
        open_key=open_key,
    )


@pytest.fixture
def world(database: Database) -> World:
    """Return a fleet in which everything has happened."""
    window = {
        "window_id": "freeze",
        "start_at": "2026-12-03T00:00:00Z",
        "end_at": "2026-12-05T00:00:00Z",
        "reason": "year-end <freeze>",
    }
    holidays = {
        "window_id": "holidays",
        "recurrence": {
            "rrule": "FREQ=YEARLY",
            "start": "2020-12-24",
            "end": "2021-01-02",
            "time_zone": "Europe/Berlin",
        },
    }
    made = World(
        database,
        {
            "maintenance_windows": [window, holidays],
            "owner_routes": {"team-a": {"escalation_owner": "lead-a"}},
        },
        {"schedule_id": "search", **READY},
        {"schedule_id": HOSTILE, "owners": [HOSTILE], "environment": HOSTILE},
    )
    made.perform()
    made.wait(hours=-1)
    made.perform(status="fail", drill_id="failed")
    made.wait(hours=1)
    made.refusing.add("teams")
    made.check()
    made.wait(minutes=70)
    made.escalate()
    made.ack(owner="team-b")
    made.grant(ExceptionKind.POSTPONE, made.now + timedelta(days=3), HOSTILE)
    index_outcomes(made)
    made.wait(minutes=1)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("links", [SERVED, StaticLinks()], ids=["served", "static"])
def test_every_page_is_well_formed_and_asks_for_nothing_from_elsewhere(world: World, links: Links) -> None:
    pages = dict(every_page(look_at(world), links))

    assert len(pages) == 11
    for page in pages.values():
        strangers = [each for each in page.addresses if urlsplit(each).netloc]
        assert not strangers
        assert len(page.find("nav")) >= 1
        assert len(page.find("footer")) == 1
        assert bool(page.find("meta", **{"http-equiv": "Content-Security-Policy"})) is not links.is_served


@pytest.mark.slow
@pytest.mark.parametrize("prefect", ["http://prefect:4200", "http://prefect:4200/"])
def test_runs_are_linked_where_prefect_is_known(world: World, prefect: str) -> None:
    links = ServedLinks(PrefectLinks(prefect))
    run = f"http://prefect:4200/runs/flow-run/{FLOW_RUN}"

    schedule = HtmlPage(write_schedule(look_at(world), links, "payments"))
    assert [each for each in schedule.addresses if urlsplit(each).netloc] == [
        "http://prefect:4200/artifacts/key/rollback-drill-payments",
        run,
    ]
    assert run in HtmlPage(write_evidence(look_at(world), links)).addresses


@pytest.mark.slow
def test_runs_are_named_where_prefect_is_not_known(world: World) -> None:
    for page in (
        write_schedule(look_at(world), SERVED, "payments"),
        write_evidence(look_at(world), SERVED),
    ):
        assert FLOW_RUN in HtmlPage(page).text


def test_what_is_no_run_leads_nowhere_else() -> None:
    address = PrefectLinks("http://prefect").flow_run("../../x?y#z")
    assert address == "http://prefect/runs/flow-run/..%2F..%2Fx%3Fy%23z"


def test_states_are_told_by_icon_and_word(world: World) -> None:
    page = HtmlPage(write_fleet(look_at(world), SERVED, FleetQuery()))

    states = page.find("span", class_="state")
    assert {each.text for each in states} == {"needs attention", "due soon", "ready", "not requested"}
    icons = [each for each in page.find("svg", class_="icon") if each.attributes["aria-hidden"] == "true"]
    assert len(icons) == len(states)


@pytest.mark.slow
def test_the_fleet_says_what_a_person_has_to_do_and_what_the_program_does_next(world: World) -> None:
    rows = [each.text for each in HtmlPage(write_fleet(look_at(world), SERVED, FleetQuery())).find("tr")]

    (payments,) = [row for row in rows if " payments " in row]
    assert "4 days ago 27 Nov 2026, 09:00 UTC" in payments
    assert "1 hour ago 1 Dec 2026, 09:00 UTC" in payments, "the failed drill after it does not count"
    assert "perform the drill escalated; the program notifies team-a again" in payments
    (search,) = [row for row in rows if " search " in row]
    assert "nothing to do" in search
    (hostile,) = [row for row in rows if "alert(1)" in row]
    assert "postponed; the program notifies again in 3 days when the exception ends" in hostile
    page = HtmlPage(write_schedule(look_at(world), SERVED, HOSTILE)).text
    assert "; postponed until 4 Dec 2026, 10:10 UTC by board" in page


@pytest.mark.slow
def test_a_hostile_id_is_text_and_its_link_leads_to_it(world: World) -> None:
    fleet = HtmlPage(write_fleet(look_at(world), SERVED, FleetQuery()))

    links = [each for each in fleet.find("a") if each.text == HOSTILE]
    (link,) = [each for each in links if each.attributes["href"].startswith("/console/schedule?")]
    address = urlsplit(link.attributes["href"])
    assert address.path == "/console/schedule"
    assert parse_qs(address.query) == {"id": [HOSTILE]}
    page = HtmlPage(write_schedule(look_at(world), SERVED, HOSTILE))
    assert page.find("h1")[0].text == HOSTILE


@given(st.text(max_size=300))
def test_whatever_an_id_is_its_addresses_are_safe_and_its_own(schedule_id: str) -> None:
    query = urlsplit(SERVED.schedule(schedule_id)).query
    assert parse_qs(query, keep_blank_values=True) == {"id": [schedule_id]}
    name = file_name(schedule_id)
    assert name == file_name(schedule_id)
    assert name != file_name(f"{schedule_id}x")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert name.startswith("schedule-")
    assert len(name) < 100
    assert name.count(".") == 1


@pytest.mark.parametrize("schedule_id", ["..", "../../etc", "a/b", "CON", "é", "", "."])
def test_an_address_on_disk_stays_in_its_folder(schedule_id: str) -> None:
    assert Path(StaticLinks().schedule(schedule_id)).parts == (file_name(schedule_id),)


def test_a_path_that_is_no_text_has_an_address() -> None:
    assert SERVED.schedule("fleet/\udcff.json") == "/console/schedule?id=fleet%2F%ED%B3%BF.json"
    assert file_name("fleet/\udcff.json").startswith("schedule-fleet-json-")


def test_the_page_of_a_schedule_says_why(world: World) -> None:
    page = HtmlPage(write_schedule(look_at(world), SERVED, "payments"))
    rows = [each.text for each in page.find("tr")]

    assert any(row.startswith("warn schedule not stale schedule") for row in rows)
    assert "deliver team-a slack the drill needs attention deliver" in rows
    assert any(row.startswith('not accepted status is "fail"; must be "pass" failed') for row in rows)
    assert "session rcd-" in page.text
    passed = [each.text for each in page.find("details") if "that pass" in each.text]
    assert len(passed) == 1
    assert "schedule active" in passed[0]
    assert "warn" not in passed[0]


def test_the_page_of_a_schedule_explains_what_a_check_decides_now(world: World) -> None:
    console = look_at(world)
    text = HtmlPage(write_schedule(console, SERVED, "payments")).text
    assert "What a check decides now, and what would change it" in text
    assert "written as $.next_due_at; due_policy is explicit" in text
    assert "is a maintenance window open?" in text
    assert "was the owner notified, and is a repeat not due yet?" in text

    alone = HtmlPage(write_schedule(without_evidence(*world.subjects()), SERVED, "payments")).text
    assert "nothing has to change: the owner is notified" in alone


@pytest.mark.slow
def test_the_timeline_has_what_was_imported_and_says_so(world: World) -> None:
    import_foreign(
        world.database,
        FOREIGN_DELIVERY,
        FOREIGN_ACKNOWLEDGEMENT,
        {**FOREIGN_DELIVERY, "schedule_id": "search", "session_id": "other"},
    )

    page = HtmlPage(write_schedule(look_at(world), SERVED, "payments"))

    rows = [each.text for each in page.find("tr") if "(imported, row " in each.text]
    assert [" ".join(row.split(" (imported")[0].split()) for row in rows] == [
        "4 May 2026, 10:20 UTC acknowledgement acknowledged by release-manager through slack",
        "4 May 2026, 10:00 UTC notification notified through slack: delivered",
        "4 May 2026, 10:00 UTC notification notified through teams: permanent (server error)",
    ]


@pytest.mark.slow
def test_the_timeline_is_a_picture_and_a_list_of_the_same(world: World) -> None:
    page = HtmlPage(write_schedule(look_at(world), SERVED, "payments"))

    (details,) = [each for each in page.find("details") if "The same as a list" in each.text]
    for text in (
        "drill due (current cycle)",
        "drill failed not accepted",
        "drill drill-12010900 accepted",
        "maintenance window freeze: year-end <freeze>",
        "23 Dec 2026, 23:00 UTC",
        "first to team-a through slack: delivered",
        "first to team-a through teams: permanent (refused)",
        "escalated to lead-a through slack: delivered",
        "acknowledged by maria for team-b through slack",
    ):
        assert text in details.text
        assert any(text in each.text for each in page.find("title"))
    assert "postponed by board: a freeze" in HtmlPage(write_schedule(look_at(world), SERVED, HOSTILE)).text


def test_acknowledgements_name_the_command_and_those_who_wait_longest_first(world: World) -> None:
    page = HtmlPage(write_acknowledgements(look_at(world), SERVED))

    (command,) = [each.text for each in page.find("code") if each.text.startswith("drills ack")]
    cycle = world.open_cycles()[0].cycle_id
    assert command == f"drills ack --cycle {cycle} --owner team-a --by YOUR-NAME"
    assert "1 h 11 min of 1 h" in page.text


def test_the_command_of_a_hostile_owner_is_one_command(database: Database) -> None:
    world = World(database, {"owners": [HOSTILE], "notification_providers": ["slack"]})
    world.check()

    page = HtmlPage(write_acknowledgements(look_at(world), SERVED))
    (command,) = [each.text for each in page.find("code") if each.text.startswith("drills ack")]
    assert shlex.split(command)[4:6] == ["--owner", HOSTILE]
    assert len(shlex.split(command)) == 8


def test_when_everybody_has_acknowledged_the_page_says_so(database: Database) -> None:
    world = World(database, {})
    world.check()
    world.ack()

    page = HtmlPage(write_acknowledgements(look_at(world), SERVED))
    assert "Nobody has to acknowledge anything." in page.text


@pytest.mark.slow
def test_trends_have_a_picture_and_a_table_of_the_same_numbers(world: World) -> None:
    page = HtmlPage(write_trends(look_at(world), SERVED))

    charts = page.find("svg", role="img")
    assert [each.attributes["aria-labelledby"].split()[0] for each in charts] == [
        "delivery-chart-title",
        "suppression-chart-title",
    ]
    titles = [each.text for each in page.find("title")]
    told = sum(each.reason == "first" or each.reason == "escalated" for each in world.received)
    assert f"2026-W49 (in part): {told} delivered" in titles
    assert any("not delivered" in each for each in titles)
    assert "2026-W49 (in part): 4 not needed" in titles
    rows = [each.text for each in page.find("tr")]
    assert any(row.startswith("failing teams never") for row in rows)
    assert any(row.startswith("working slack") for row in rows)


@pytest.mark.slow
def test_a_small_ledger_is_verified_for_the_page(world: World) -> None:
    assert "as it was signed" in HtmlPage(write_evidence(look_at(world), SERVED)).text


def test_a_ledger_that_was_changed_is_called_so(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    world = World(database, {})
    world.check()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_is_never_changed")
        connection.exec_driver_sql("UPDATE ledger SET owner = 'nobody' WHERE leaf_index = 2")
    database.engine.dispose()

    page = HtmlPage(write_evidence(look_at(world), SERVED))
    assert "not as it was signed" in page.text
    assert "was changed in the column owner" in page.text


@pytest.mark.slow
def test_a_large_ledger_is_not_verified_while_somebody_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollback_drills.console.evidence.MOST_VERIFIED", 3)

    page = HtmlPage(write_evidence(look_at(world), SERVED))
    assert "not verified here" in page.text
    assert "drills evidence verify" in page.text


@pytest.mark.slow
def test_rows_have_pages_and_numbers_beyond_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollback_drills.console.evidence.ROWS_ON_A_PAGE", 10)

    first = HtmlPage(write_evidence(look_at(world), SERVED))
    second = HtmlPage(write_evidence(look_at(world), SERVED, 2))
    assert "/console/evidence?page=2" in first.addresses
    assert "/console/evidence" in second.addresses
    with pytest.raises(UsageError, match="no page 99"):
        write_evidence(look_at(world), SERVED, 99)


def test_without_evidence_the_documents_are_shown_and_the_outage_is_called_one() -> None:
    console = without_evidence(make_subject([DRILL]))

    for page in (write_fleet(console, SERVED, FleetQuery()), write_schedule(console, SERVED, "payments")):
        parsed = HtmlPage(page)
        assert "The evidence cannot be read: no drill check has written evidence yet" in parsed.text
        assert "needs attention" in parsed.text
    for name, write in OF_EVIDENCE.items():
        with pytest.raises(DatabaseError, match="no drill check has written evidence yet"):
            write(console, SERVED)
        page = write_missing_evidence(DatabaseError("it is <gone>"), SERVED, now=NOW, here=name)
        parsed = HtmlPage(page)
        assert "it is <gone>." in parsed.text
        assert "The state of the drills is unknown" in parsed.text
        assert not parsed.find("table")
        none_yet = write_missing_evidence(DatabaseError(NO_EVIDENCE), SERVED, now=NOW, here=name)
        assert "is unknown" not in HtmlPage(none_yet).text


def test_a_database_that_breaks_meanwhile_is_an_outage(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    world = World(database, {})
    console = look_at(world)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE outbox")

    assert "no such table: outbox" in HtmlPage(write_fleet(console, SERVED, FleetQuery())).text
    with pytest.raises(DatabaseError):
        write_acknowledgements(console, SERVED)


def test_unreadable_documents_are_an_outage_without_any_state() -> None:
    page = HtmlPage(write_missing_documents("--schedule x matches no schedule", SERVED, now=NOW))

    assert page.find("h1")[0].text == "The documents cannot be read"
    assert "--schedule x matches no schedule." in page.text
    assert not page.find("span", class_="state")


def test_a_document_that_cannot_be_read_has_a_row_and_a_page_that_say_why() -> None:
    broken = Subject(parse_document(Schedule, b"{", "fleet/<b>.json"), None)
    console = without_evidence(broken)

    row = HtmlPage(write_fleet(console, SERVED, FleetQuery())).find("tr")[1].text
    assert "fleet/<b>.json" in row
    assert "fix the schedule" in row
    assert "fleet/<b>.json: " in HtmlPage(write_schedule(console, SERVED, "fleet/<b>.json")).text


def test_a_schedule_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no schedule"):
        write_schedule(without_evidence(make_subject()), SERVED, "../payments")


@pytest.mark.slow
@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_pages_hold_whatever_documents_contain(owner: str, path: str) -> None:
    broken = Subject(parse_document(Schedule, b"{", path or "x"), None)
    usual = make_subject([DRILL])
    assert usual.schedule
    assert usual.schedule.document
    document = replace(usual.schedule.document, owners=(owner,), environment=path, runbook_ref=owner)
    console = without_evidence(replace(usual, schedule=replace(usual.schedule, document=document)), broken)

    assert len(HtmlPage(write_fleet(console, SERVED, FleetQuery())).find("tr")) == 3
    HtmlPage(write_calendar(console, SERVED, MonthQuery()))
    for schedule_id in console.by_id:
        HtmlPage(write_schedule(console, SERVED, schedule_id))
