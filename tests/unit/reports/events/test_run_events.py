import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert

from rollback_drills.database.connections import Database
from rollback_drills.delivery.connector_notice import notice_entry
from rollback_drills.documents.plain_json import to_plain
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementState,
    NotifiedRoute,
    record_acknowledgement,
)
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import State
from rollback_drills.outbox.destinations import Destination
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.states import Readiness
from rollback_drills.reports.events.act_events import acknowledgement_event, escalation_event
from rollback_drills.reports.events.run_events import RunEvent, find_check_events, find_events
from rollback_drills.reports.pages.run_page import ScheduleRun
from tests.samples.builders import NOW, build_notifications, judged, make_subject, make_told, plan_of, planned
from tests.samples.world import World

PREFIX = "cavra.go_backend.rollback_drill."
ONE_ROUTE: Mapping[str, Any] = {"owners": ["team-a"], "notification_providers": ["slack"]}


def make_run(subject: Subject | None = None, request: PlanRequest | None = None) -> ScheduleRun:
    """Make a run over one schedule that delivered nothing."""
    subject = subject or make_subject()
    return ScheduleRun(judged(subject), planned(subject, request), [])


def deliver(run: ScheduleRun, state: State, detail: str = "the reason") -> list[Delivery]:
    """Make deliveries of everything that a run planned, which ended so."""
    verdict = Verdict(Outcome.PERMANENT, detail=detail, status_code=400)
    return [
        Delivery(each, verdict, 3, NOW, NOW, state, NOW + timedelta(hours=1))
        for each in build_notifications(run.judgement.schedule_report, run.plan)
    ]


def told(event: RunEvent) -> dict[str, Any]:
    """Return what an event tells."""
    return to_plain(event.payload)


def names_of(events: Iterable[RunEvent]) -> Counter[str]:
    """Count the events by what follows the prefix, which all of them have."""
    names = [event.name for event in events]
    assert all(name.startswith(PREFIX) for name in names)
    return Counter(name.removeprefix(PREFIX) for name in names)


@pytest.mark.parametrize(
    ("next_due_at", "names"),
    [
        pytest.param(
            "2026-11-27T09:00:00Z", {"readiness.needs_attention": 1, "decision.deliver": 4}, id="overdue"
        ),
        pytest.param("2026-12-15T09:00:00Z", {"readiness.due_soon": 1, "decision.deliver": 4}, id="due soon"),
        pytest.param("2026-12-15T09:00:01Z", {"readiness.ready": 1}, id="healthy, which decides nothing"),
    ],
)
def test_a_schedule_gives_its_readiness_and_an_event_for_each_route(
    next_due_at: str, names: dict[str, int]
) -> None:
    run = make_run(make_subject(next_due_at=next_due_at))

    assert names_of(find_events([run], [])) == names


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param(
            Changes(is_first=True, changed=frozenset({"late", "fine"})),
            {"readiness.needs_attention": 1, "decision.deliver": 4},
            id="first",
        ),
        pytest.param(
            Changes(is_first=False, changed=frozenset({"late", "fine"})),
            {"readiness.needs_attention": 1, "decision.deliver": 4, "readiness.ready": 1},
            id="later",
        ),
        pytest.param(Changes(is_first=False, changed=frozenset({"fine"})), {"readiness.ready": 1}, id="one"),
    ],
)
def test_a_check_tells_what_changed_and_a_first_one_not_what_is_ready(
    changes: Changes, names: dict[str, int]
) -> None:
    late = make_run(make_subject(schedule_id="late", next_due_at="2026-11-27T09:00:00Z"))
    fine = make_run(make_subject(schedule_id="fine", next_due_at="2026-12-15T09:00:01Z"))

    assert names_of(find_check_events([late, fine], [], changes)) == names


def test_a_schedule_of_which_no_drill_is_asked_gives_no_event() -> None:
    run = make_run(Subject(None, None))

    assert run.judgement.readiness is Readiness.NOT_REQUESTED
    assert list(find_events([run], [])) == []


@pytest.mark.parametrize(
    ("changes", "category", "reason"),
    [
        pytest.param(
            {
                "maintenance_windows": [
                    {
                        "window_id": "freeze",
                        "start_at": NOW.isoformat(),
                        "end_at": (NOW + timedelta(hours=1)).isoformat(),
                        "reason": "the year ends",
                    }
                ]
            },
            "maintenance_window",
            "maintenance window freeze: the year ends",
            id="a window",
        ),
        pytest.param(
            {"owner_calendars": {"team-a": {"available": False, "reason": "away"}}},
            "owner_calendar",
            "team-a cannot be notified: away",
            id="an absence",
        ),
    ],
)
def test_what_keeps_a_notification_back_is_told(
    changes: Mapping[str, Any], category: str, reason: str
) -> None:
    run = make_run(make_subject(**ONE_ROUTE, **changes))

    readiness, decision = find_events([run], [])

    assert readiness.name == f"{PREFIX}readiness.needs_attention"
    assert decision.name == f"{PREFIX}decision.suppress"
    assert (told(decision)["action"], told(decision)["category"]) == (
        "suppress",
        category,
    )
    assert told(decision)["reason"] == reason


def test_a_route_that_was_told_already_decides_nothing_new() -> None:
    subject = make_subject(**ONE_ROUTE)
    (key,) = [each.route_key for each in planned(subject).route_decisions]
    run = make_run(subject, PlanRequest(notified={key: [make_told(at=NOW - timedelta(hours=1))]}))
    assert [each.category for each in run.plan.route_decisions] == ["already_notified"]

    assert names_of(find_events([run], [])) == {"readiness.needs_attention": 1}


@pytest.mark.parametrize("state", State)
def test_every_delivery_is_told_by_the_state_it_ended_in(state: State) -> None:
    run = make_run(make_subject(**ONE_ROUTE))

    event = list(find_events([run], deliver(run, state)))[-1]

    assert event.name == f"{PREFIX}delivery.{state}"
    assert told(event)["outcome"] == str(state)
    assert told(event)["error"] == ("" if state in (State.DELIVERED, State.ACCEPTED) else "the reason")


def test_an_event_tells_what_a_condition_or_a_message_needs() -> None:
    run = make_run(make_subject(**ONE_ROUTE))
    (sent,) = deliver(run, State.RETRY)
    cycle, plan = run.plan.cycle_id, run.plan.plan_id
    facts = {
        "schedule_id": "payments",
        "cycle_id": cycle,
        "plan_id": plan,
        "status": "needs_attention",
        "next_due_at": "2026-11-27T09:00:00+00:00",
    }

    readiness, decision, delivery = find_events([run], [sent])

    assert readiness.related == (("cycle", cycle), ("owner", "team-a"))
    assert decision.related == (("cycle", cycle), ("provider", "slack"), ("owner", "team-a"))
    assert delivery.related == decision.related
    for event in (readiness, decision, delivery):
        assert (event.schedule_id, event.environment) == ("payments", "production")
        assert told(event).items() >= facts.items()
    assert (told(readiness)["owners"], told(readiness)["providers"]) == (
        ["team-a"],
        ["slack"],
    )
    assert told(decision)["notification_id"] == sent.notification.notification_id
    assert told(decision)["reason"] == "the drill needs attention"
    assert told(delivery)["notification_id"] == sent.notification.notification_id
    assert told(delivery)["next_attempt_at"] == "2026-12-01T10:00:00+00:00"
    assert (told(delivery)["status_code"], told(delivery)["attempt_count"]) == (
        400,
        3,
    )


def test_an_address_that_a_provider_quotes_is_left_out() -> None:
    run = make_run(make_subject(**ONE_ROUTE))

    event = list(find_events([run], deliver(run, State.PERMANENT, "no http://127.0.0.1:8080/x?y=1 here")))[-1]

    assert told(event)["error"] == "no [address] here"


def test_what_another_schedule_or_a_dead_connector_had_waiting_is_told_too() -> None:
    other = make_run(make_subject(**ONE_ROUTE, schedule_id="ledger"))
    dead = Destination("slack", disabled_at=NOW.timestamp(), disabled_because="the key was refused.")
    notice = notice_entry(dead, "teams").notification
    assert notice is not None
    sent = dataclasses.replace(deliver(other, State.DELIVERED)[0], notification=notice)

    events = list(find_events([], [*deliver(other, State.DELIVERED), sent]))

    assert [event.schedule_id for event in events] == ["ledger", "connector:slack"]
    assert [event.environment for event in events] == ["production", ""]


def test_a_schedule_with_hundreds_of_owners_relates_to_as_many_as_prefect_takes() -> None:
    owners = [f"team-{number}" for number in range(300)]
    run = make_run(make_subject(owners=owners, notification_providers=["slack"]))

    readiness = next(find_events([run], []))

    assert len(readiness.related) == 21
    assert told(readiness)["owners"] == owners


def test_a_step_that_is_taken_gives_an_event_that_names_both_people(tmp_path: Path) -> None:
    rules = {"team-a": {"escalation_owner": "lead-a"}}
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    world = World(database, {**ONE_ROUTE, "owner_routes": rules})
    world.check()
    world.wait(minutes=60)
    (taken,) = world.escalate()

    event = escalation_event(taken)

    assert event.name == f"{PREFIX}escalation.taken"
    assert (event.schedule_id, event.environment) == ("payments", "production")
    assert event.related == (
        ("cycle", taken.cycle.cycle_id),
        ("owner", "team-a"),
        ("owner", "lead-a"),
    )
    assert told(event) == {
        "schedule_id": "payments",
        "cycle_id": taken.cycle.cycle_id,
        "plan_id": taken.opened.event["plan_id"],
        "status": "needs_attention",
        "next_due_at": "2026-11-27T09:00:00+00:00",
        "owner": "team-a",
        "step": 1,
        "step_count": 1,
        "step_due_at": "2026-12-01T10:00:00+00:00",
        "told": "lead-a",
        "providers": ["slack"],
    }


@pytest.mark.parametrize("state", AcknowledgementState)
def test_an_acknowledgement_gives_an_event_without_what_people_wrote(state: AcknowledgementState) -> None:
    (decision,) = plan_of(make_subject(**ONE_ROUTE))["route_decisions"]
    known = {**decision, "session_id": "rcd-x", "cycle_id": "gordcycle-1", "plan_id": "gordn-1"}
    route = convert(known, NotifiedRoute)
    given = Acknowledgement("maria", state, "OPS-7", "we are on it")

    event = acknowledgement_event(record_acknowledgement(given, route, now=NOW, created_at=NOW))

    assert event.name == f"{PREFIX}acknowledgement.{state}"
    assert event.related == (("cycle", "gordcycle-1"), ("provider", "slack"), ("owner", "team-a"))
    assert told(event)["acknowledged_by"] == "maria"
    assert told(event)["acknowledged_until"] >= told(event)["acknowledged_at"]
    assert "we are on it" not in told(event).values()
