"""What the step of a chain commits, by the facts of its cycle alone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts, Sent
from rollback_drills.followup.escalations.escalation import Escalation, build_entries
from rollback_drills.names import ids
from rollback_drills.notifications.notification import write_acknowledge
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.planning.escalation_chain import EVENT_KEY, Chain, Link
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW

CHAIN = Chain("team-a", (Link("lead", ("slack",)), Link("director", ("slack",))))
EVENT = {"title": "Rollback drill overdue", "plan_id": "gordplan-1", EVENT_KEY: msgspec.to_builtins(CHAIN)}
TOLD_AT = NOW - timedelta(hours=2)


def sent(reason: Reason = Reason.FIRST, state: State = State.DELIVERED, **event: Any) -> Sent:
    """Make a notification that was queued two hours ago and tried at once."""
    tried = TOLD_AT if state is State.DELIVERED else None
    return Sent(
        "gordmsg-1",
        reason,
        Readiness.NEEDS_ATTENTION,
        state,
        TOLD_AT,
        TOLD_AT,
        tried,
        None,
        {**EVENT, **event},
    )


def escalate(*routes: RouteFacts, due_at: datetime | None = NOW, step: int = 1) -> OutboxEntry:
    """Return what a step commits for one provider."""
    cycle = CycleFacts("gordcycle-1", "payments", due_at, routes)
    (entry,) = build_entries(Escalation(cycle, CHAIN, step, NOW, ["slack"]), now=NOW)
    return entry


def route(*notifications: Sent, owner: str = "team-a", key: str = "gordroute-1") -> RouteFacts:
    return RouteFacts(key, "slack", owner, notifications)


def test_a_person_without_a_route_gets_the_one_that_a_plan_would_give() -> None:
    entry = escalate(route(sent()))

    assert entry.route_key == ids.route_key("gordcycle-1", "slack", "lead")
    assert entry.notification.owner_key == "lead"
    assert (entry.reason, entry.notification.reason) == (Reason.ESCALATED, Reason.ESCALATED)


def test_a_person_who_has_a_route_is_notified_on_it_and_keeps_the_reference_of_its_provider() -> None:
    earlier = ids.spelt_route_key("gordcycle-1", "slack", "LEAD")

    entry = escalate(route(sent()), route(sent(), owner="LEAD", key=earlier))

    assert (entry.route_key, entry.notification.route_key) == (earlier, earlier)
    assert entry.notification.owner_key == "LEAD"


@pytest.mark.parametrize(
    ("due_at", "says"),
    [
        pytest.param(None, "has no known due time", id="unknown"),
        pytest.param(NOW - timedelta(hours=1), "was due 2026-12-01T08:00:00+00:00", id="past"),
        pytest.param(NOW, "was due 2026-12-01T09:00:00+00:00", id="now"),
        pytest.param(NOW + timedelta(hours=1), "is due 2026-12-01T10:00:00+00:00", id="to come"),
    ],
)
def test_an_escalation_says_when_the_drill_is_due(due_at: datetime | None, says: str) -> None:
    summary = escalate(route(sent()), due_at=due_at).notification.summary

    assert summary == (
        f"The rollback drill of payments {says}: team-a has not acknowledged, or acknowledged and did not"
        " perform the drill. Make sure that it is performed and recorded."
    )


ABSENT = "team-a is absent and could not be notified"
SILENT = "team-a has not acknowledged"


@pytest.mark.parametrize(
    ("notifications", "says"),
    [
        pytest.param([sent()], SILENT, id="told"),
        pytest.param([sent(Reason.DEFERRED, State.SUPPRESSED)], ABSENT, id="never told"),
        pytest.param([sent(Reason.DEFERRED)], SILENT, id="told when the absence was over"),
        pytest.param([sent(state=State.PENDING)], SILENT, id="on its way"),
    ],
)
def test_an_escalation_says_why_the_next_person_is_notified(notifications: list[Sent], says: str) -> None:
    assert says in escalate(route(*notifications)).notification.summary


def test_an_owner_who_was_told_on_one_of_two_routes_was_told() -> None:
    teams = RouteFacts("gordroute-2", "teams", "team-a", [sent(state=State.PENDING)])

    entry = escalate(route(sent(Reason.DEFERRED)), teams)

    assert SILENT in entry.notification.summary


def test_an_owner_of_two_routes_was_first_told_on_the_earlier_one() -> None:
    later = replace(sent(), completed_at=NOW - timedelta(hours=1))
    teams = RouteFacts("gordroute-2", "teams", "team-a", [sent()])

    facts = dict(escalate(route(later), teams).notification.facts)

    assert facts["First notified"] == "2026-12-01T07:00:00+00:00"


def test_an_escalation_has_the_facts_that_are_known() -> None:
    facts = escalate(route(sent()), step=2).notification.facts

    assert facts == (
        ("Schedule", "payments"),
        ("State", "needs attention"),
        ("Due", "2026-12-01T09:00:00+00:00"),
        ("Owner", "team-a"),
        ("First notified", "2026-12-01T07:00:00+00:00"),
        ("Step", "2 of 2"),
    )


def test_an_escalation_names_the_environment_and_the_runbook_of_its_event() -> None:
    facts = dict(
        escalate(route(sent(summary={"environment": "prod"}, runbook_ref="RB-7"))).notification.facts
    )

    assert (facts["Environment"], facts["Runbook"]) == ("prod", "RB-7")


def test_an_escalation_says_what_is_unknown_and_that_nobody_was_told() -> None:
    entry = escalate(route(sent(Reason.DEFERRED, State.SUPPRESSED)), due_at=None)
    facts = dict(entry.notification.facts)

    assert (facts["Due"], facts["First notified"], entry.cycle_due) == ("unknown", "never", "")


def test_an_escalation_is_of_the_cycle_that_was_told() -> None:
    entry = escalate(route(sent()))

    assert (entry.cycle_id, entry.cycle_due) == ("gordcycle-1", "2026-12-01T09:00:00+00:00")


def test_an_escalation_takes_its_text_from_the_first_message_that_has_one() -> None:
    without_text = replace(sent(), event={})

    entry = escalate(route(without_text, sent(title="Rollback drill missing")))

    assert entry.notification.title == "Escalated: Rollback drill missing"


def test_the_event_of_an_escalation_is_the_one_of_the_owner_for_the_next_person() -> None:
    notification = escalate(route(sent())).notification

    assert notification.event == {
        **EVENT,
        "alert_level": "critical",
        "title": "Escalated: Rollback drill overdue",
        "owners": ["lead"],
        "notification_providers": ["slack"],
        "acknowledge": write_acknowledge("gordcycle-1", "lead"),
        "escalation": {
            "owner": "team-a",
            "step": 1,
            "step_due_at": "2026-12-01T09:00:00+00:00",
            "escalated_at": "2026-12-01T09:00:00+00:00",
        },
    }
    assert notification.alert_level == "critical"
    assert notification.acknowledge == "Acknowledge: drills ack --schedule-id payments --owner lead --by YOU"
    assert notification.event["acknowledge"] == write_acknowledge("gordcycle-1", "lead")


def test_each_step_has_an_id_of_its_own_and_always_the_same() -> None:
    first, second = (escalate(route(sent()), step=number) for number in (1, 2))

    reason = ids.escalation_reason("team-a")
    assert first.notification_id == ids.notification_id(first.route_key, reason, 1)
    assert second.notification_id == ids.notification_id(second.route_key, reason, 2)


def test_an_escalation_does_not_say_that_it_is_deferred() -> None:
    deferred = {"deferred_by": "owner_calendar", "deferred_until": "2026-12-04T09:00:00+00:00"}

    event = escalate(route(sent(Reason.DEFERRED, State.SUPPRESSED, **deferred))).notification.event

    assert not deferred.keys() & event.keys()
    assert event["escalation"]["owner"] == "team-a"
