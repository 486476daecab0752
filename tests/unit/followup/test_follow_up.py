"""The failures of the reference, which do not happen here; and what a follow-up promises."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET

from rollback_drills.database.connections import Database
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.time_data import find_holiday_version, find_time_zone_version
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import ESCALATION_KIND
from rollback_drills.followup.dashboard import find_problems
from rollback_drills.followup.escalations.escalation_records import find_recorded, find_taken_steps
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.next_actions import Action, find_next_actions
from rollback_drills.followup.retests import read_retests
from rollback_drills.followup.totals import NO_TOTALS, read_totals
from rollback_drills.names.ids import SOURCE_ID
from rollback_drills.notifications.notice import Notice
from rollback_drills.outbox.commit import commit
from rollback_drills.trust.known_history import find_open
from rollback_drills.trust.records import record_confirmation, record_distrust
from rollback_drills.trust.signs import Distrust, Sign
from tests.samples.builders import NOW, open_key
from tests.samples.databases import chiefly_on_sqlite
from tests.samples.world import World

LEAD = {"owner_routes": {"team-a": {"escalation_owner": "lead-a"}, "team-b": {"escalation_owner": "lead-b"}}}
LEAVE = {"start_at": "2026-11-01T00:00:00Z", "end_at": "2027-02-01T00:00:00Z", "reason": "leave"}
ONE = {"owners": ["team-a"], "notification_providers": ["slack"], **LEAD}


@chiefly_on_sqlite
@pytest.mark.slow
def test_hourly_runs_escalate_once_and_on_time(database: Database) -> None:
    world = World(database, ONE)
    for _ in range(48):
        world.check()
        world.escalate()
        world.wait(hours=1)

    (escalated,) = world.told("escalated")
    assert escalated.at == NOW + timedelta(minutes=60)
    assert (escalated.owner, escalated.provider) == ("lead-a", "slack")


@pytest.mark.parametrize(
    ("due_at", "away", "starts_in"),
    [
        ("2026-11-20T09:00:00Z", {"available": False, "reason": "left"}, 0),
        ("2026-12-01T19:00:00Z", {"unavailable_windows": [LEAVE]}, 600),
    ],
    ids=["without an end", "beyond the due time"],
)
def test_the_plan_names_whom_a_run_notifies_of_an_absent_owner(
    due_at: str, away: Mapping[str, Any], starts_in: int, database: Database
) -> None:
    world = World(database, {**ONE, "next_due_at": due_at, "owner_calendars": {"team-a": away}})
    world.check()
    assert len(world.escalation_plan()["routes"]) == int(starts_in == 0)
    world.wait(minutes=starts_in)
    (planned,) = world.escalation_plan()["routes"]
    assert (planned["age_minutes"], planned["breached"]) == (0, False)

    world.now = datetime.fromisoformat(planned["next_step_at"])
    (route,) = world.escalation_plan()["routes"]
    assert route["breached"]
    (taken,) = world.escalate()

    assert (planned["next_step_owner"], taken.link.owner) == ("lead-a", "lead-a")
    assert [(each.owner, each.reason) for each in world.received] == [("lead-a", "escalated")]


@pytest.mark.parametrize(("minutes", "is_escalated"), [(59, False), (60, True), (61, True)])
def test_the_exact_bound_counts(database: Database, minutes: int, is_escalated: bool) -> None:
    world = World(database, ONE)
    world.check()
    world.wait(minutes=minutes)

    assert bool(world.escalate()) is is_escalated
    assert world.escalation_plan()["breached_count"] == int(is_escalated)


def test_an_acknowledgement_of_a_year_ago_does_not_close_todays_alert(database: Database) -> None:
    world = World(database, {**ONE, "next_due_at": "2025-11-27T09:00:00Z"}, now=NOW - timedelta(days=365))
    world.check()
    world.ack()
    world.perform()
    world.schedules["payments"]["next_due_at"] = "2026-11-27T09:00:00Z"
    world.check()
    world.now = NOW
    world.check()

    assert world.escalation_plan()["outstanding_count"] == 1
    world.wait(minutes=60)
    assert len(world.escalate()) == 1


def test_the_acknowledgement_of_one_owner_does_not_close_that_of_another(database: Database) -> None:
    world = World(database, {**LEAD, "notification_providers": ["slack"]})
    world.check()
    world.ack(owner="team-a")
    world.wait(minutes=60)

    assert [each.link.owner for each in world.escalate()] == ["lead-b"]
    states = {each["owner"]: each["acknowledgement_state"] for each in world.escalation_plan()["routes"]}
    assert states == {"team-a": "acknowledged", "team-b": "pending"}


def test_the_acknowledgement_of_one_provider_does_not_close_that_of_another(database: Database) -> None:
    world = World(database, {"owners": ["team-a"]})
    world.check()
    world.ack(provider="slack")
    world.wait(minutes=60)

    routes = {each["provider"]: each for each in world.escalation_plan()["routes"]}
    assert (routes["slack"]["breached"], routes["teams"]["breached"]) == (False, True)
    assert len(world.escalate()) == 1


def test_a_schedule_document_that_is_missing_escalates(database: Database) -> None:
    missing = Subject(parse_document(Schedule, b"{", "fleet/ledger.json"), None)
    world = World(database)
    world.check(missing)
    world.wait(minutes=60)

    (step,) = world.escalate()
    assert step.cycle.schedule_id == "fleet/ledger.json"
    assert step.cycle.due_at is None
    assert [str(each) for each in world.told("escalated")] == [
        "12-01 10:00 fleet/ledger.json → release-governance (webhook): escalated"
    ]


def test_the_minutes_of_a_policy_do_not_override_those_of_a_shorter_route(database: Database) -> None:
    rules = {"team-a": {"acknowledgement_minutes": 15, "escalation_owner": "lead-a"}}
    world = World(database, {**ONE, "owner_routes": rules, "acknowledgement_minutes": 240})
    world.check()
    world.wait(minutes=15)

    assert len(world.escalate()) == 1


def test_instants_with_offsets_are_compared_as_instants(database: Database) -> None:
    due = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)
    world = World(database, {**ONE, "next_due_at": "2026-12-01T14:00:00+03:30"})
    world.check()

    (said,) = world.ack()
    assert said.acknowledged_until == due.isoformat()
    assert world.open_cycles()[0].due_at == due


def test_a_cycle_is_acknowledged_when_every_owner_or_whoever_was_told_last_has_said_so(
    database: Database,
) -> None:
    def state() -> str:
        (cycle,) = world.dashboard()["cycles"]
        return str(cycle["state"])

    world = World(database, {**LEAD, "notification_providers": ["slack"]})
    world.check()
    assert state() == "notified"
    world.ack(owner="team-a")
    assert state() == "notified"
    world.wait(minutes=60)
    world.escalate()  # the silence of team-b, to lead-b
    assert state() == "escalated"
    world.ack(owner="lead-b")
    assert state() == "acknowledged"

    world.wait(days=3)  # the time that the acknowledgements bought is over
    assert state() == "escalated"


@chiefly_on_sqlite
@pytest.mark.slow
def test_an_acknowledgement_buys_its_time_and_no_more(database: Database) -> None:
    world = World(database, ONE)
    world.check()
    (said,) = world.ack()

    assert said.acknowledged_until == (NOW + timedelta(days=3)).isoformat()
    for _ in range(24 * 4):
        world.wait(hours=1)
        world.check()
        world.escalate()
    end = NOW + timedelta(days=3)
    assert [(each.at, each.reason) for each in world.received] == [
        (NOW, "first"),
        (end, "repeat"),
        (end, "escalated"),
        *[(end + timedelta(days=1), "repeat")],
    ]


def test_who_asks_to_escalate_gets_the_next_step_at_once(database: Database) -> None:
    world = World(database, ONE)
    world.check()
    world.wait(minutes=5)
    world.ack(state="escalated")

    assert [each.step for each in world.escalate()] == [1]
    assert world.escalate() == []


@chiefly_on_sqlite
@pytest.mark.slow
def test_steps_wait_for_working_hours_where_the_owner_works(database: Database) -> None:
    steps = [{"owner": "director", "after_business_hours": 4, "providers": ["email"]}]
    rules = {"team-a": {"escalation_owner": "lead-a", "escalation_steps": steps}}
    calendars = {"lead-a": {"time_zone": "America/New_York"}}
    friday = datetime(2026, 12, 4, 20, 0, tzinfo=UTC)  # 15:00 in New York
    world = World(database, {**ONE, "owner_routes": rules, "owner_calendars": calendars}, now=friday)
    world.check()
    for _ in range(24 * 5):
        world.wait(hours=1)
        world.escalate()

    # escalated to the lead at 16:00; one hour of Friday is left, and three pass on Monday from 9:00
    assert [str(each) for each in world.told("escalated")] == [
        "12-04 21:00 payments → lead-a (slack): escalated",
        "12-07 17:00 payments → director (email): escalated",
    ]


def test_a_chain_is_frozen_when_the_owner_is_first_told(database: Database) -> None:
    world = World(database, ONE)
    world.check()
    world.schedules["payments"] = {**ONE, "owner_routes": {"team-a": {"escalation_owner": "somebody-else"}}}
    world.wait(minutes=60)
    world.check()

    assert [each.link.owner for each in world.escalate()] == ["lead-a"]


def test_a_person_who_is_absent_is_passed_over(database: Database) -> None:
    steps = [{"owner": "director", "after_minutes": 600}]
    rules = {"team-a": {"escalation_owner": "lead-a", "escalation_steps": steps}}
    away = {"lead-a": {"available": False, "reason": "on leave"}}
    world = World(database, {**ONE, "owner_routes": rules, "owner_calendars": away})
    world.check()
    world.wait(minutes=60)

    assert [(each.link.owner, each.step) for each in world.escalate()] == [("director", 2)]


@chiefly_on_sqlite
@pytest.mark.slow
def test_an_owner_who_is_absent_without_an_end_is_escalated_again_and_again(database: Database) -> None:
    away = {"team-a": {"available": False, "reason": "on leave"}}
    world = World(database, {**ONE, "owner_calendars": away})
    world.check()
    for _ in range(50):
        world.wait(hours=1)
        world.check()
        world.escalate()

    assert [(each.owner, each.reason) for each in world.received] == [("lead-a", "escalated")] * 3
    assert [each.at - NOW for each in world.received] == [timedelta(hours=each) for each in (1, 25, 49)]
    assert find_problems(world.open_cycles(), now=world.now) == []


@pytest.mark.parametrize(("back_at", "told"), [("2026-12-05T09:00:00Z", 0), ("2026-12-05T09:00:01Z", 1)])
def test_an_owner_who_is_absent_beyond_the_due_instant_is_escalated_from_then_on(
    database: Database, back_at: str, told: int
) -> None:
    away = {"start_at": "2026-11-30T00:00:00Z", "end_at": back_at, "reason": "leave"}
    world = World(
        database,
        {
            **ONE,
            "next_due_at": "2026-12-05T09:00:00Z",
            "owner_calendars": {"team-a": {"unavailable_windows": [away]}},
        },
    )
    world.check()
    world.now = datetime(2026, 12, 5, 10, tzinfo=UTC)
    world.escalate()

    assert len(world.told("escalated")) == told


def test_a_window_beyond_the_due_instant_is_approved_and_escalates_nobody(database: Database) -> None:
    window = {"start_at": "2026-11-30T00:00:00Z", "end_at": "2026-12-09T00:00:00Z", "owners": ["team-a"]}
    world = World(database, {**ONE, "next_due_at": "2026-12-05T09:00:00Z", "maintenance_windows": [window]})
    world.check()
    world.now = datetime(2026, 12, 8, tzinfo=UTC)
    world.escalate()
    assert world.received == []

    world.now = datetime(2026, 12, 9, tzinfo=UTC)
    world.check()
    assert [each.reason for each in world.received] == ["deferred"]


def test_a_step_waits_until_a_window_ends(database: Database) -> None:
    window = {"start_at": (NOW + timedelta(minutes=30)).isoformat(), "end_at": "2026-12-01T20:00:00Z"}
    world = World(database, ONE)
    world.check()
    world.schedules["payments"] = {**ONE, "maintenance_windows": [window]}
    for _ in range(12):
        world.wait(hours=1)
        world.escalate()

    assert [each.at.hour for each in world.told("escalated")] == [20]


@pytest.mark.slow
def test_a_step_that_a_long_window_keeps_back_is_no_problem(database: Database) -> None:
    window = {"start_at": (NOW + timedelta(minutes=30)).isoformat(), "end_at": "2026-12-10T00:00:00Z"}
    world = World(database, ONE)
    world.check()
    world.schedules["payments"] = {**ONE, "maintenance_windows": [window]}
    for _ in range(8):
        world.wait(days=1)
        world.check()
        world.escalate()
        assert world.problems() == []

    assert world.told("escalated") == []
    (cycle,) = world.dashboard()["cycles"]
    assert cycle["next_action"]["at"] == "2026-12-10T00:00:00+00:00"
    assert find_problems(world.open_cycles(), now=world.now) != []  # as it looks without the window


@pytest.mark.slow
def test_a_step_that_nobody_can_be_told_of_is_a_problem(database: Database) -> None:
    world = World(database, {**ONE, "owner_calendars": {"lead-a": {"available": False}}})
    for _ in range(27):
        world.check()
        world.escalate()
        world.wait(hours=1)

    assert world.told("escalated") == []
    (problem,) = world.problems()
    assert "payments (gordcycle-" in problem
    assert "escalate was due 2026-12-01T10:00:00+00:00" in problem


@pytest.mark.parametrize("days", [2, 20])
def test_what_an_exception_put_off_is_not_overdue_when_it_ends(database: Database, days: int) -> None:
    world = World(database, ONE)
    world.check()
    world.grant(ExceptionKind.WAIVE, NOW + timedelta(days=days))
    world.wait(days=days)

    assert world.problems() == []
    assert {each.at for each in find_next_actions(world.open_cycles()[0])} == {NOW + timedelta(days=days)}
    (step,) = world.escalate()
    assert step.due_at == NOW + timedelta(days=days)


@chiefly_on_sqlite
@pytest.mark.slow
def test_each_step_gives_its_person_the_time_of_the_chain_also_after_an_acknowledgement(
    database: Database,
) -> None:
    steps = [{"owner": "director", "after_minutes": 600}]
    rules = {"team-a": {"escalation_owner": "lead-a", "escalation_steps": steps}}
    world = World(database, {**ONE, "owner_routes": rules})
    world.check()
    world.ack()
    for _ in range(24 * 4):
        world.wait(hours=1)
        world.escalate()

    end = NOW + timedelta(days=3)
    assert [(each.at, each.owner) for each in world.told("escalated")] == [
        (end, "lead-a"),
        (end + timedelta(minutes=600), "director"),
    ]


def test_who_asked_to_escalate_is_not_called_expired(database: Database) -> None:
    world = World(database, ONE)
    world.check()
    world.ack(state="escalated")

    (route,) = world.escalation_plan()["routes"]
    assert (route["acknowledgement_state"], route["acknowledged"]) == ("escalated", False)


def test_a_notice_of_the_source_is_no_cycle_that_somebody_has_to_acknowledge(database: Database) -> None:
    world = World(database, ONE)
    notice = Notice(
        subject_id=SOURCE_ID,
        subject_name="drill-history",
        cycle_id="gordcycle-source",
        event_type="cavra.go_backend.rollback_drill.history_untrusted",
        at=NOW,
        title="Drill history not trusted",
        summary="It vanished.",
        facts=(),
    )
    entry = notice.address("gordroute-source", provider="slack", owner="platform", closes=False)
    commit(database, [entry], [], now=NOW.timestamp())
    world.check()
    world.wait(hours=1)

    assert [each.schedule_id for each in world.open_cycles()] == ["payments"]
    assert [each.link.owner for each in world.escalate()] == ["lead-a"]


def test_a_step_is_written_down_once_also_by_the_run_after_one_that_was_killed(database: Database) -> None:
    world = World(database, ONE)
    world.check()
    world.wait(minutes=60)
    world.escalate()
    world.wait(minutes=15)

    for _ in range(2):
        index_run(
            database,
            [],
            created_at=world.now,
            signer="test",
            redact=lambda record: record,
            open_key=open_key,
            drills=find_taken_steps(world.open_cycles(), created_at=world.now, signer="test"),
        )

    (row,), total = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=ESCALATION_KIND))
    (sent,) = world.told("escalated")
    assert total == 1
    assert {
        "schedule_id": "payments",
        "owner": "team-a",
        "step": 1,
        "told": "lead-a",
        "providers": ["slack"],
        "notification_ids": [sent.notification.notification_id],
        "step_due_at": "2026-12-01T10:00:00+00:00",
        "escalated_at": "2026-12-01T10:00:00+00:00",
        "status": "needs_attention",
    }.items() <= row.items()


def test_a_step_through_two_providers_is_one_record_and_one_event(database: Database) -> None:
    world = World(database, {**ONE, "notification_providers": ["slack", "teams"]})
    world.check()
    world.wait(hours=1)
    world.escalate()
    cycles = world.open_cycles()

    steps = find_taken_steps(cycles, created_at=world.now, signer="test")

    (record,) = [make() for make in steps.values()]
    assert (record.step, record.told, record.providers) == (1, "lead-a", ["slack", "teams"])
    assert len(record.notification_ids) == 2
    (escalation,) = find_recorded(cycles, steps.keys())
    assert (escalation.step, escalation.providers) == (1, ["slack", "teams"])
    assert list(find_recorded(cycles, {"of another run"})) == []


def test_a_wait_passes_over_holidays_and_the_evidence_says_with_which_data(database: Database) -> None:
    steps = [{"owner": "director", "after_business_hours": 1}]
    schedule = {
        **ONE,
        "owner_routes": {"team-a": {"escalation_owner": "lead-a", "escalation_steps": steps}},
        "owner_calendars": {
            "lead-a": {"time_zone": "Europe/Berlin", "business_hours": {"calendar": "berlin"}}
        },
        "calendars": {"berlin": {"holidays": "DE-BE", "closed": ["2026-12-24"]}},
    }
    world = World(database, schedule, now=datetime(2026, 12, 23, 15, tzinfo=UTC))
    world.check()
    world.wait(hours=1)
    world.escalate()
    world.wait(hours=4 * 24 + 16, minutes=59)
    assert world.escalate() == []
    world.wait(minutes=1)

    (step,) = world.escalate()

    assert (step.link.owner, step.due_at) == ("director", datetime(2026, 12, 28, 9, tzinfo=UTC))
    first, second = (
        make() for make in find_taken_steps(world.open_cycles(), created_at=world.now, signer="test").values()
    )
    assert first.time_data is UNSET
    assert second.to_wire()["time_data"] == {
        "time_zone_data": find_time_zone_version(),
        "holiday_data": find_holiday_version(),
        "calendars": (),
    }


def test_what_died_is_escalated_since_nobody_knows(database: Database) -> None:
    rules = {"team-a": {"escalation_owner": "lead-a"}, "lead-a": {"providers": ["email"]}}
    world = World(database, {**ONE, "owner_routes": rules})
    world.refusing = {"slack"}
    world.check()
    world.wait(minutes=60)
    world.escalate()

    assert [str(each) for each in world.received] == ["12-01 10:00 payments → lead-a (email): escalated"]


def test_an_accepted_drill_closes_the_cycle_for_all_who_were_told(database: Database) -> None:
    world = World(database, {**ONE, "next_due_at": None, "interval_days": 30})
    world.perform(executed_at="2026-10-01T00:00:00Z")
    world.check()
    world.wait(minutes=60)
    world.escalate()
    world.wait(minutes=10)
    world.perform()
    world.check()

    assert {(each.owner, each.reason) for each in world.received} == {
        ("team-a", "first"),
        ("lead-a", "escalated"),
        ("team-a", "resolved"),
        ("lead-a", "resolved"),
    }
    assert world.open_cycles() == []
    world.wait(days=5)
    assert world.escalate() == []


def test_a_step_that_was_decided_before_the_cycle_was_closed_is_not_taken(database: Database) -> None:
    world = World(database, {**ONE, "next_due_at": None, "interval_days": 30})
    world.perform(executed_at="2026-10-01T00:00:00Z")
    world.check()
    world.wait(minutes=60)
    stale = world.due_steps()
    world.perform()
    world.check()

    assert len(stale) == 1
    assert world.take_steps(stale) == []
    assert world.told("escalated") == []


@chiefly_on_sqlite
@pytest.mark.parametrize("kind", list(ExceptionKind))
def test_an_exception_keeps_everybody_quiet_until_it_ends(database: Database, kind: ExceptionKind) -> None:
    world = World(database, ONE)
    world.check()
    record = world.grant(kind, NOW + timedelta(days=2))
    for _ in range(12):
        world.wait(hours=4)
        if world.now < NOW + timedelta(days=2):
            assert find_next_actions(world.open_cycles()[0])[0].action is Action.END_EXCEPTION
            assert world.dashboard()["cycles_by_state"] == {kind.past: 1}
        (plan,) = world.check()
        world.escalate()
        if world.now < NOW + timedelta(days=2):
            assert f"{kind.past} until {record.expires_at} by board" in plan.route_decisions[0].reason

    assert [(each.at, each.reason) for each in world.received] == [
        (NOW, "first"),
        (NOW + timedelta(days=2), "repeat"),
        (NOW + timedelta(days=2), "escalated"),
    ]


def test_a_deadline_cannot_be_postponed_beyond_its_ceiling(database: Database) -> None:
    world = World(database, ONE)
    due = datetime(2026, 11, 27, 9, tzinfo=UTC)

    world.grant(ExceptionKind.POSTPONE, due + timedelta(days=30))
    with pytest.raises(UsageError, match=r"2026-12-27T09:00:00\+00:00, the limit of this cycle"):
        world.grant(ExceptionKind.POSTPONE, due + timedelta(days=30, seconds=1))


def test_two_follow_ups_and_an_acknowledgement_at_once_escalate_once_or_not_at_all(
    database: Database,
) -> None:
    world = World(database, ONE)
    world.check()
    world.wait(minutes=60)
    taken: list[int] = []
    start = threading.Barrier(3)

    def follow_up() -> None:
        start.wait()
        taken.append(len(world.take_steps(world.due_steps())))

    def answer() -> None:
        start.wait()
        world.ack()

    threads = [threading.Thread(target=each) for each in (follow_up, follow_up, answer)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(taken) in ([0, 0], [0, 1])
    world.escalate()
    assert len(world.told("escalated")) == sum(taken)


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"schedule_id": "paymnts"}, 'schedule_id "paymnts" is not in the evidence; the newest are payments'),
        ({"provider": "email"}, 'has no route of provider "email"; it has slack/team-a'),
        ({"owner": "team-z"}, 'has no route of owner "team-z"; it has slack/team-a'),
    ],
)
def test_what_is_unknown_is_refused_with_a_list_of_what_exists(
    database: Database, chosen: dict[str, str], problem: str
) -> None:
    world = World(database, ONE)
    world.check()

    with pytest.raises(UsageError, match=problem):
        world.ack(**chosen)


def test_a_failed_drill_is_to_be_performed_again_until_one_is_accepted(database: Database) -> None:
    world = World(database, {**ONE, "retest_within_days": 10})
    world.perform(drill_id="failed-1", status="fail")
    world.keep_drills()
    (retest,) = read_retests(database, now=NOW + timedelta(days=10))
    assert (retest.drill_id, retest.retest_due_at, retest.overdue) == (
        "failed-1",
        (NOW + timedelta(days=10)).isoformat(),
        False,
    )
    (late,) = read_retests(database, now=NOW + timedelta(days=10, seconds=1))
    assert late.overdue

    world.wait(hours=1)
    world.perform(drill_id="passed-1")
    world.keep_drills()

    assert read_retests(database, now=world.now) == []


def test_drills_that_failed_at_the_same_time_are_all_listed_beside_other_records(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(database, {**ONE, "retest_within_days": 10})
    world.check()
    for name in ("failed-2", "failed-1"):
        world.perform(drill_id=name, status="fail")
    world.keep_drills()

    assert [each.drill_id for each in read_retests(database, now=NOW)] == ["failed-1", "failed-2"]
    assert caplog.text == ""


def test_plans_deliveries_and_acknowledgements_are_counted_so_far(database: Database) -> None:
    world = World(database, {**ONE, "notification_providers": ["slack", "teams"]})
    assert read_totals(database) == NO_TOTALS == (0, 0, 0)

    world.check()
    world.ack()
    assert read_totals(database) == (1, 0, 2)
    world.keep_drills()  # with what became of the notifications
    assert read_totals(database) == (1, 1, 2)


def test_no_owner_is_escalated_while_the_history_of_the_schedule_is_not_trusted(database: Database) -> None:
    world = World(database, ONE)
    world.check()
    world.wait(minutes=60)
    distrust = Distrust("payments", Sign.VANISHED, "3 drills are gone")
    append(database, [record_distrust(distrust, "gordcycle-x", created_at=NOW, signer="test")], open_key)
    assert world.due_steps() == []

    settled = find_open(database)["payments"]
    trusted = record_confirmation("payments", settled, by="maria", reason="moved", created_at=NOW)
    append(database, [trusted], open_key)
    assert len(world.due_steps()) == 1
