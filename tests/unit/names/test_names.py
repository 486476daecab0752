"""One identity for names: case, Unicode form and outer blanks make no other name."""

import json
import sqlite3
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.errors import UsageError
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.followup.acknowledgements.acknowledgement import Acknowledgement
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import acknowledge
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice
from rollback_drills.followup.exceptions.exception import ExceptionKind, Grant
from rollback_drills.followup.exceptions.exception_grants import grant_exception
from rollback_drills.names import ids
from rollback_drills.names.keys import find_spelling, first_spellings, is_same, name_key
from rollback_drills.names.lookalikes import find_lookalikes, look_different
from rollback_drills.notifications.reasons import Reason
from rollback_drills.outbox.claims import find_provider_spellings
from rollback_drills.outbox.destinations import (
    find_destination,
    find_destinations,
    note_pause_or_death,
)
from rollback_drills.outbox.known_cycles import keep_known_cycles
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import check_requested, parse_requested
from rollback_drills.reports.filters import NotificationFilter, PackageFilter, RouteFilter
from rollback_drills.reports.notifications import find_notifications
from rollback_drills.reports.routes import find_routes
from rollback_drills.settings import read_settings
from rollback_drills.trust.known_history import recall
from tests.samples.builders import NOW, SCHEDULE, make_subject, open_key, plan_of
from tests.samples.examples import examples
from tests.samples.outbox_rows import enable
from tests.samples.world import World

NFC, NFD = "Zo\u00eb", "Zoe\u0308"
SPELLINGS = [
    ("payments", "Payments"),
    ("payments", " payments\u00a0 "),
    (NFC, NFD),
    (NFC.upper(), NFD),
    ("straße", "STRASSE"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_case_form_and_outer_blanks_make_no_other_name(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)
    assert is_same(one, other)
    assert first_spellings([one, other]) == {name_key(one): one}
    assert find_spelling(other, [one, "else"]) == one


def test_other_names_stay_apart() -> None:
    names = (
        "pay-ments",
        "pay_ments",
        "pay ments",
        "payments",
        "p\u0430yments",
    )  # the last is half Cyrillic
    assert len(set(map(name_key, names))) == len(names)
    assert find_spelling("billing", ["payments"]) is None


@given(st.text())
def test_the_key_of_a_key_is_itself(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_cycles_and_routes_do_not_depend_on_the_spelling(one: str, other: str) -> None:
    def ids_of(name: str) -> PlainJson:
        fields: dict[str, Any] = {"schedule_id": name, "owners": [name], "notification_providers": [name]}
        plan = plan_of(make_subject(**fields))
        assert plan["schedule_id"] == plan["route_decisions"][0]["owner"] == name  # what people see
        return {"cycle": plan["cycle_id"], "routes": [each["route_key"] for each in plan["route_decisions"]]}

    assert ids_of(one) == ids_of(other)
    assert ids.escalation_reason(one) == ids.escalation_reason(other)


def test_spellings_of_one_name_are_one_route() -> None:
    subject = make_subject(
        owners=["Team-A", "team-a", " TEAM-A"],
        notification_providers=["hook", "Hook", "HOOK"],
        owner_routes={"TEAM-A": {"providers": ["Slack", "slack"], "escalation_owner": "lead"}},
    )
    (decision,) = plan_of(subject)["route_decisions"]
    found = decision["owner"], decision["provider"], decision["escalation_owner"]
    assert found == ("Team-A", "Slack", "lead")


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_rules_windows_and_calendars_match_in_any_spelling(one: str, other: str) -> None:
    always = {"start_at": "2026-01-01T00:00:00Z", "end_at": "2027-01-01T00:00:00Z"}
    base: dict[str, Any] = {"schedule_id": one, "owners": [one], "notification_providers": [one]}
    windows = [{**always, "owners": [other], "providers": [other], "schedule_ids": [other]}]

    frozen = plan_of(make_subject(**base, maintenance_windows=windows))
    away = plan_of(make_subject(**base, owner_calendars={other: {"available": False, "reason": "gone"}}))
    ruled = plan_of(make_subject(**base, owner_routes={other: {"escalation_owner": "lead"}}))

    assert [each["category"] for each in frozen["route_decisions"]] == ["maintenance_window"]
    assert [each["category"] for each in away["route_decisions"]] == ["owner_calendar"]
    assert [each["escalation_owner"] for each in ruled["route_decisions"]] == ["lead"]


def test_requested_providers_match_in_any_spelling() -> None:
    requested = parse_requested(" Slack ,HOOK")
    check_requested(requested, frozenset({"slack", "Hook"}))
    plan = plan_of(make_subject(notification_providers=["SLACK", "teams"]), PlanRequest(requested=requested))
    assert plan["eligible_providers"] == ["SLACK"]
    assert parse_requested("ALL") is None
    with pytest.raises(UsageError, match="slak is unknown"):
        check_requested(parse_requested("slak"), frozenset({"slack"}))


def test_a_renamed_schedule_owner_and_provider_keep_what_was_said_and_told(database: Database) -> None:
    world = World(database, {"owners": ["team-a"], "notification_providers": ["slack"]})
    world.check()
    world.ack()
    world.wait(days=2)
    world.schedules["payments"] = {
        "schedule_id": "PAYMENTS",
        "owners": ["Team-A"],
        "notification_providers": ["Slack"],
        "next_due_at": "2026-11-27T09:00:00Z",
    }

    (plan,) = world.check()

    (decision,) = plan.route_decisions
    assert decision.category == "already_notified"
    assert "maria" in decision.reason
    assert decision.owner == "Team-A"
    assert len(world.received) == 1
    (cycle,) = world.open_cycles()
    assert [route.owner for route in cycle.routes] == ["team-a"]


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_the_end_of_an_absence_is_found_in_any_spelling(one: str, other: str, database: Database) -> None:
    away = {"start_at": NOW.isoformat(), "end_at": (NOW + timedelta(hours=5)).isoformat()}
    rules: dict[str, Any] = {
        "owner_routes": {"team-a": {"escalation_owner": other}},
        "owner_calendars": {one: {"unavailable_windows": [away]}},
    }
    world = World(database, {"owners": ["team-a"], "notification_providers": ["slack"], **rules})
    world.check()

    (route,) = world.escalation_plan()["routes"]

    assert is_same(route["next_step_owner"] or "nobody", one)
    assert route["next_step_at"] == away["end_at"]


def test_a_renamed_owner_keeps_the_reference_that_providers_know(database: Database) -> None:
    world = World(database, {"owners": ["team-a"], "notification_providers": ["slack"]})
    world.check()
    world.wait(days=2)
    world.schedules["payments"] = {"owners": ["TEAM-A"], "notification_providers": ["slack"]}
    world.check()
    world.perform()
    world.schedules["payments"]["next_due_at"] = "2027-03-01T09:00:00Z"
    world.check()

    assert [each.reason for each in world.received] == ["first", "repeat", "resolved"]
    assert len({each.notification.owner_key for each in world.received}) == 1
    assert len({each.notification.route for each in world.received}) == 1


def test_a_renamed_schedule_is_closed_and_its_drills_are_written_once(database: Database) -> None:
    def keep(schedule_id: str) -> int:
        drills = find_drills(
            world.subjects(), [schedule_id], now=world.now, created_at=world.now, signer="test"
        )
        index_run(
            database,
            [],
            created_at=world.now,
            signer="test",
            redact=lambda record: record,
            open_key=open_key,
            drills=drills,
        )
        wanted = EvidenceFilter(schedule_id="pAYMENTS", metadata_kind=DRILL_KIND)
        return EvidenceIndex(database).find(wanted)[1]

    world = World(database, {})
    world.check()
    world.perform()
    assert keep("payments") == 1
    world.schedules["payments"] = {"schedule_id": "Payments", "next_due_at": "2027-03-01T09:00:00Z"}
    assert keep("Payments") == 1
    world.check()

    assert world.told(Reason.RESOLVED)
    assert world.open_cycles() == []
    assert list(recall(database, ["PAYMENTS"])) == ["PAYMENTS"]
    assert len(recall(database, ["PAYMENTS"])["PAYMENTS"].drills) == 1


def test_filters_match_in_any_spelling(database: Database) -> None:
    world = World(database, {"schedule_id": "Payments", "owners": [NFC], "notification_providers": ["Slack"]})
    world.check()
    wanted: dict[str, Any] = {"schedule_id": "PAYMENTS", "owner": NFD.upper(), "provider": " slack"}

    assert find_routes(database, RouteFilter(**wanted)).total == 1
    assert find_notifications(database, NotificationFilter(**wanted)).total == 1
    assert EvidenceIndex(database).find(EvidenceFilter(**wanted))[1] > 0
    assert find_rows(database, OutboxFilter(provider="SLACK", owner=NFD, schedule_ids=["payments"]))[1] == 1
    assert PackageFilter(**wanted).matches(RouteChoice(schedule_id="Payments", owner=NFC, provider="Slack"))
    assert find_routes(database, RouteFilter(owner="Zoe")).total == 0
    choice = RouteChoice(schedule_id="PAYMENTS", owner=NFD, provider="SLACK")
    given = [(choice, Acknowledgement("maria"))]
    (said,) = acknowledge(EvidenceIndex(database), given, now=world.now, created_at=world.now)
    assert said.owner == NFC


def test_a_destination_is_one_in_every_spelling(database: Database) -> None:
    spellings = (("hook", 10.0, None), ("Hook", 15.0, 5.0), ("hOOK", 20.0, 9.0))
    for provider, cool_until, disabled_at in spellings:
        with database.write() as connection:
            note_pause_or_death(
                database, connection, provider, cool_until=cool_until, disabled_at=disabled_at, because="gone"
            )
    with database.read() as connection:
        found = find_destination(connection, "HOOK")
    assert (found.cool_until, found.disabled_at) == (20.0, 5.0)
    assert len(find_destinations(database)) == 1
    assert enable(database, "HOOK", now=30.0) == 0
    assert [each.disabled_at for each in find_destinations(database)] == [None]


@pytest.fixture
def before(tmp_path: Path) -> Database:
    """Return a database of the version before, whose names are spelt in several ways."""
    script = (Path(__file__).parent / "golden" / "names_before.sql").read_text()
    connection = sqlite3.connect(tmp_path / "before.db")
    connection.executescript(script)
    connection.close()
    return Database.open(f"sqlite:///{tmp_path}/before.db")


def upgraded(database: Database) -> World:
    """Return the world in which the database of before was written, eleven minutes later."""
    world = World(
        database,
        {
            "schedule_id": "Payments_Monthly",
            "owners": ["Payments-Team", "payments-team"],
            "notification_providers": ["Hook", "hook"],
        },
        {"schedule_id": "billing", "owners": [NFC], "notification_providers": ["slack"]},
    )
    world.wait(minutes=11)
    return world


def test_what_was_told_before_is_not_told_again(before: Database) -> None:
    world = upgraded(before)

    monthly, billing = world.check()

    assert world.received == []
    (route,) = monthly.route_decisions
    assert route.category == "already_notified"
    with before.read() as connection:
        known = {row[0] for row in connection.exec_driver_sql("SELECT cycle_id FROM outbox")}
        routes = {row[0] for row in connection.exec_driver_sql("SELECT route_key FROM outbox")}
    assert {monthly.cycle_id, billing.cycle_id} == known
    assert {route.route_key, billing.route_decisions[0].route_key} < routes


def test_what_was_acknowledged_before_holds(before: Database) -> None:
    world = upgraded(before)
    world.wait(hours=2)
    world.escalate()
    world.received.clear()
    world.wait(days=1)

    monthly, billing = world.check()

    assert "maria" in billing.route_decisions[0].reason
    assert [each.notification_reason for each in monthly.route_decisions] == ["repeat"]
    assert [each.reason for each in world.received] == ["repeat"]
    standing = {each["schedule_id"]: each["acknowledged"] for each in world.escalation_plan()["routes"]}
    assert standing == {"Payments_Monthly": False, "billing": True}
    assert world.problems() == []


def test_a_cycle_of_before_escalates_once_and_is_acknowledged_in_any_spelling(before: Database) -> None:
    world = upgraded(before)
    world.wait(hours=2)
    assert [(each.chain.owner, each.step) for each in world.escalate()] == [("Payments-Team", 1)]
    assert world.escalate() == []

    said = world.ack("payments_monthly", owner="PAYMENTS-TEAM")

    assert len(said) >= 4  # every route of before
    standing = {each["schedule_id"]: each["acknowledged"] for each in world.escalation_plan()["routes"]}
    assert standing == {"Payments_Monthly": True, "billing": True}


def test_a_cycle_of_before_closes_what_it_has_opened(before: Database) -> None:
    world = upgraded(before)
    opened, _ = find_rows(before, OutboxFilter())
    for name in world.schedules:
        world.perform(name)
        world.schedules[name]["next_due_at"] = "2027-03-01T09:00:00Z"
    world.check()

    closed = world.told(Reason.RESOLVED)
    assert {each.notification.route for each in closed} == {item.route_key for item in opened}
    # a provider finds what it has opened by the owner as it was spelt
    assert {each.notification.owner_key for each in closed} == {item.owner for item in opened}
    assert world.open_cycles() == []
    assert find_provider_spellings(before, "hook") == ["Hook", "hook"]


def test_an_exception_is_granted_to_the_cycle_of_before(before: Database, tmp_path: Path) -> None:
    world = upgraded(before)
    document = {**SCHEDULE, **world.schedules["Payments_Monthly"]}
    (tmp_path / "schedule.json").write_text(json.dumps(document))
    given = Grant(ExceptionKind.SKIP, world.now + timedelta(days=9), "a freeze", "board")
    settings = read_settings({}, schedule=str(tmp_path / "schedule.json"))

    keep_cycles = partial(keep_known_cycles, before)
    record = grant_exception(
        given, settings, "PAYMENTS_monthly", keep_cycles, now=world.now, created_at=world.now, signer="me"
    )

    assert record.cycle_id in {cycle.cycle_id for cycle in world.open_cycles()}


def test_schedules_whose_ids_differ_in_spelling_are_refused_by_name(tmp_path: Path) -> None:
    for file, name in (("a-schedule.json", "payments"), ("b-schedule.json", "Payments"), ("c.json", "other")):
        (tmp_path / file).write_text(json.dumps({**SCHEDULE, "schedule_id": name}))

    first, second, other = load_fleet(str(tmp_path), None).subjects

    assert first.schedule
    assert '"payments", which' in first.schedule.problem
    assert 'b-schedule.json (spelt "Payments") has too' in first.schedule.problem
    assert second.schedule
    assert second.schedule.document is None
    assert other.schedule
    assert other.schedule.document


UNREADABLE = [
    ("pay\nments", "U+000A"),
    ("pay\tments", "U+0009"),
    ("pay\u0085ments", "U+0085"),
    ("pay\u200bments", "U+200B"),
    ("\ufeffpayments", "U+FEFF"),
    ("pay\u202ements", "U+202E"),
    ("pay\u2028ments", "U+2028"),
    ("pay\u00adments", "U+00AD"),
    ("pay\u3164ments", "U+3164"),
    ("\u2800", "U+2800"),
    ("   ", "is blank"),
    ("\u00a0", "is blank"),
]
PLACES = [
    ({"schedule_id": "?"}, "$.schedule_id"),
    ({"owners": ["a", "?"]}, "$.owners[1]"),
    ({"notification_providers": ["?"]}, "$.notification_providers[0]"),
    ({"environment": "?"}, "$.environment"),
    ({"calendars": {"?": {}}}, "$.calendars"),
    ({"owner_routes": {"a": {"escalation_owner": "?"}}}, "$.owner_routes.a.escalation_owner"),
    ({"owner_calendars": {"?": {"available": False}}}, "$.owner_calendars"),
    (
        {"maintenance_windows": [{"window_id": "?", "start_at": "2026-01-01", "end_at": "2026-01-02"}]},
        "$.maintenance_windows[0].window_id",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "what"), UNREADABLE)
@pytest.mark.parametrize(("changes", "place"), PLACES)
@pytest.mark.parametrize("is_ascii", [True, False])
def test_a_name_is_one_line_that_people_can_read(
    name: str, what: str, changes: dict[str, Any], place: str, is_ascii: bool
) -> None:
    document = {**SCHEDULE, **json.loads(json.dumps(changes).replace("?", json.dumps(name)[1:-1]))}
    data = json.dumps(document, ensure_ascii=is_ascii).encode()

    loaded = parse_document(Schedule, data, "schedule.json")

    assert loaded.document is None
    assert loaded.problem.startswith(f"schedule.json: {place}")
    assert what in loaded.problem
    assert "\n" not in loaded.problem


@pytest.mark.parametrize(
    "name", ["Zoë", " payments ", "payments\r\n", "支付", "team a", "d'Arc", "a–b", "❤\ufe0f"]
)
def test_other_names_can_be_used(name: str) -> None:
    data = json.dumps({**SCHEDULE, "schedule_id": name, "owners": [name]}, ensure_ascii=False).encode()
    assert parse_document(Schedule, data, "schedule.json").document is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("payments", "p\u0430yments"),
        ("payments", "\uff50ayments"),
        ("team-1", "team-l"),
        ("team-10", "team-1O"),
        ("modern", "modem"),
        ("pay-ments", "pay\u2011ments"),
        ("billing", "b\u0456lling"),
        ("payments", "pay\ufe0fments"),
        ("team a", "team  a"),
        ("team a", "team\u2003a"),
    ],
)
def test_names_that_look_the_same_are_found(one: str, other: str) -> None:
    assert list(find_lookalikes(["else", one, other])) == [(one, other)]


@settings(max_examples=examples(2_000))
@given(st.lists(st.text(st.sampled_from("aA0oO1l|rnm-. \t\n\x1f\u0430"), max_size=4), max_size=4))
def test_names_that_certainly_look_different_have_no_twin(names: list[str]) -> None:
    if look_different(names):
        assert list(find_lookalikes(names)) == []
        assert len(set(map(name_key, names))) == len(names)


def test_plain_names_are_known_to_look_different_at_once() -> None:
    assert look_different(["service-02", "service-03", "payments"])
    assert not look_different(["service-02", "Service-o2"])


def test_names_that_are_the_same_or_look_different_are_none() -> None:
    names = ["payments", "Payments", "service-01", "service-02", "team-a", "team_a", NFC, NFD, "支付"]
    assert list(find_lookalikes(names)) == []
