from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.names import ids
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import DEAD, NOTIFIED, UNCERTAIN, State
from rollback_drills.planning.closings import Closing, find_closings
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import find_owners
from tests.samples.builders import DRILL, NOW, checked, judged, make_subject, make_told, planned

TICK = timedelta(microseconds=1)
DUE_AT = "2026-11-27T09:00:00+00:00"
CYCLE = ids.cycle_id("payments", DUE_AT)
ROUTE = ids.route_key(CYCLE, "slack", "team-a")
OPENED_AT = NOW - timedelta(days=3)
HEALTHY: Mapping[str, Any] = {"next_due_at": "2027-06-01T09:00:00+00:00"}
LATE_AGAIN: Mapping[str, Any] = {"next_due_at": "2026-11-30T09:00:00+00:00"}


@dataclass
class Case:
    """One schedule, and what was told of its cycles."""

    subject: Subject
    request: PlanRequest
    histories: Mapping[str, Sequence[SentNotification]]

    def close(self, clock: datetime = NOW) -> list[Closing]:
        """Find the routes that leave their cycle."""
        request = PlanRequest(
            requested=self.request.requested,
            force=self.request.force,
            policy=self.request.policy,
            notified=self.histories,
        )
        check = checked(self.subject, request)
        return list(find_closings(check, request, self.histories, now=NOW, clock=clock))


def opened(state: State = State.DELIVERED, number: int = 1, **changes: Any) -> SentNotification:
    """Make a notification of the cycle that was due on 27 November."""
    return make_told(number, at=OPENED_AT, state=state, cycle_id=CYCLE, due_at=DUE_AT, **changes)


def make_case(
    *history: SentNotification, drill: Mapping[str, Any] | None = None, requested: str = "", **changes: Any
) -> Case:
    """Make a schedule that is ready again, with one route that was told; changes are of the schedule."""
    subject = make_subject([drill] if drill else None, **{**HEALTHY, **changes})
    request = PlanRequest(requested=frozenset({requested}) if requested else None)
    return Case(subject, request, {ROUTE: history or (opened(),)})


def performed_at(days: float, *, tick: timedelta = timedelta(0)) -> Mapping[str, Any]:
    """Make an accepted drill so many days after the owner was told."""
    return {**DRILL, "executed_at": (OPENED_AT + timedelta(days=days) + tick).isoformat()}


@pytest.mark.parametrize(
    ("drill", "changes", "what", "summary"),
    [
        pytest.param(
            performed_at(1),
            HEALTHY,
            "performed",
            f"Drill drill-1 was performed and accepted; the cycle that was due {DUE_AT} is closed."
            " Next due 2027-06-01T09:00:00+00:00.",
            id="performed",
        ),
        pytest.param(performed_at(0), HEALTHY, "performed", "", id="at the instant at which it was told"),
        pytest.param(
            performed_at(0, tick=-TICK),
            HEALTHY,
            "no longer needed",
            f"The cycle that was due {DUE_AT} is closed: the schedule needs nothing now."
            " Next due 2027-06-01T09:00:00+00:00.",
            id="a microsecond before it was told",
        ),
        pytest.param(None, HEALTHY, "no longer needed", "", id="without any drill"),
        pytest.param(
            {**performed_at(1), "status": "fail"}, LATE_AGAIN, "due at another time", "", id="a failed drill"
        ),
        pytest.param(
            None,
            LATE_AGAIN,
            "due at another time",
            f"The cycle that was due {DUE_AT} is closed: the schedule is now due 2026-11-30T09:00:00+00:00,"
            " which has its own notification.",
            id="moved, and late again",
        ),
        pytest.param(performed_at(1), LATE_AGAIN, "performed", "", id="performed, and late again"),
        pytest.param(
            None,
            {"next_due_at": None},
            "due at another time",
            f"The cycle that was due {DUE_AT} is closed: the schedule is now due at an unknown time,"
            " which has its own notification.",
            id="no longer dated",
        ),
    ],
)
def test_the_owner_who_was_told_is_told_what_ended_the_cycle(
    drill: Mapping[str, Any] | None, changes: Mapping[str, Any], what: str, summary: str
) -> None:
    (closing,) = make_case(drill=drill, **changes).close()

    notification = closing.notification
    assert notification
    assert notification.title == f"Rollback drill {what}: payments (production)"
    assert notification.event["title"] == notification.title
    if summary:
        assert notification.summary == summary


@pytest.mark.parametrize(
    ("planned_at", "clock", "count"),
    [
        pytest.param(NOW, NOW, 1, id="planned in this very instant"),
        pytest.param(NOW + TICK, NOW + TICK, 0, id="planned since then"),
        pytest.param(NOW + TICK, NOW, 1, id="planned for a time to come"),
    ],
)
def test_a_judgement_as_of_an_earlier_time_closes_nothing_that_was_planned_since(
    planned_at: datetime, clock: datetime, count: int
) -> None:
    case = make_case(make_told(at=planned_at, cycle_id=CYCLE, due_at=DUE_AT))

    assert len(case.close(clock)) == count


def test_the_message_goes_to_the_same_owner_through_the_same_provider_and_belongs_to_the_old_cycle() -> None:
    case = make_case(drill=performed_at(1))

    (closing,) = case.close()

    notification = closing.notification
    assert notification
    assert notification.is_closing
    assert (closing.route_key, closing.opened) == (ROUTE, opened())
    assert (notification.owner, notification.provider) == ("team-a", "slack")
    assert notification.notification_id == ids.notification_id(ROUTE, Reason.RESOLVED, 1)
    assert notification.cycle_id == notification.event["cycle_id"] == CYCLE
    assert judged(case.subject).cycle.cycle_id != CYCLE
    assert notification.alert_level == notification.event["alert_level"] == "healthy"
    assert notification.acknowledge == notification.event["acknowledge"] == ""
    assert notification.event["owners"] == ["team-a"]
    assert notification.event["notification_providers"] == ["slack"]
    assert "team-b" not in repr(notification)
    assert dict(notification.facts) == {
        "Schedule": "payments",
        "Environment": "production",
        "State": "ready",
        "Was due": DUE_AT,
        "Due": "2027-06-01T09:00:00+00:00",
        "Latest drill": "drill-1, 2026-11-29T09:00:00+00:00: accepted",
        "Owner": "team-a",
    }


@pytest.mark.parametrize("state", State)
def test_what_became_of_the_notification_decides_how_the_route_leaves(state: State) -> None:
    closings = make_case(opened(state)).close()

    if state in UNCERTAIN or state in (State.SUPERSEDED, State.DISCARDED):
        assert closings == []
        return
    (closing,) = closings
    assert (closing.notification is not None) is (state in NOTIFIED)
    assert closing.ending.replaces == (() if state in NOTIFIED | DEAD else ("gordmsg-1",))


def test_the_second_ending_of_a_cycle_has_an_id_of_its_own() -> None:
    over = (
        opened(is_closed=True),
        opened(number=2, reason=Reason.RESOLVED, is_closed=True),
    )

    (closing,) = make_case(*over, opened(number=3)).close()

    assert closing.notification
    assert closing.notification.notification_id == ids.notification_id(ROUTE, Reason.RESOLVED, 2)
    assert make_case(*over).close() == []


def test_a_drill_between_two_openings_of_a_cycle_does_not_end_the_second() -> None:
    over = (
        make_told(1, at=OPENED_AT - timedelta(days=9), cycle_id=CYCLE, due_at=DUE_AT, is_closed=True),
        make_told(
            2, at=OPENED_AT - timedelta(days=8), cycle_id=CYCLE, reason=Reason.RESOLVED, is_closed=True
        ),
    )

    (closing,) = make_case(*over, opened(number=3), drill=performed_at(-1)).close()

    assert closing.notification
    assert closing.notification.title == "Rollback drill no longer needed: payments (production)"


@pytest.mark.parametrize(
    ("changes", "is_closed"),
    [
        pytest.param({"next_due_at": DUE_AT}, False, id="the same cycle, still late"),
        pytest.param({"next_due_at": DUE_AT, "status": "paused"}, False, id="a finding, the same cycle"),
        pytest.param(HEALTHY, True, id="ready"),
        pytest.param(LATE_AGAIN, True, id="another cycle"),
    ],
)
def test_a_cycle_is_over_when_nothing_is_needed_or_another_has_begun(
    changes: Mapping[str, Any], is_closed: bool
) -> None:
    assert bool(make_case(**changes).close()) is is_closed


FREEZE = {
    "window_id": "freeze",
    "start_at": NOW.isoformat(),
    "end_at": (NOW + timedelta(hours=1)).isoformat(),
}
AWAY = {"team-a": {"available": False}}


@pytest.mark.parametrize("brings", ["schedule", "policy"])
@pytest.mark.parametrize(
    ("document", "is_silent"),
    [
        pytest.param({"maintenance_windows": [FREEZE]}, True, id="a window"),
        pytest.param({"maintenance_windows": [{**FREEZE, "providers": ["teams"]}]}, False, id="of another"),
        pytest.param({"owner_calendars": AWAY}, True, id="an absence"),
        pytest.param({"owner_calendars": {"team-b": {"available": False}}}, False, id="of somebody else"),
    ],
)
def test_a_route_that_is_kept_silent_is_left_to_a_later_run(
    document: dict[str, Any], is_silent: bool, brings: str
) -> None:
    if brings == "schedule":
        case = make_case(**document)
    else:
        case = make_case()
        case.request = PlanRequest(policy=read_policy(document))

    assert (case.close() == []) is is_silent


@pytest.mark.parametrize(("requested", "is_closed"), [("", True), ("slack", True), ("teams", False)])
def test_a_provider_that_was_not_asked_for_is_left_to_a_later_run(requested: str, is_closed: bool) -> None:
    assert bool(make_case(requested=requested).close()) is is_closed


def test_a_route_that_is_told_in_this_run_is_not_closed_in_it() -> None:
    subject = make_subject(**HEALTHY)
    plan = planned(subject)
    keys = [each.route_key for each in plan.route_decisions]
    told = {
        key: (make_told(1, at=OPENED_AT, cycle_id=plan.cycle_id, owner=each.owner),)
        for key, each in zip(keys, plan.route_decisions, strict=True)
    }

    assert {each.route_key for each in Case(subject, PlanRequest(), told).close()} == set(keys)
    assert Case(subject, PlanRequest(force=True), told).close() == []


def test_a_document_that_was_mended_closes_the_cycle_of_its_path() -> None:
    broken = planned(Subject(parse_document(Schedule, b"{", "schedule.json"), None))
    cycle, (decision,) = broken.cycle_id, broken.route_decisions
    told = make_told(
        1,
        at=OPENED_AT,
        schedule_id=broken.schedule_id,
        cycle_id=cycle,
        provider=decision.provider,
        owner=decision.owner,
    )

    (closing,) = Case(make_subject(**HEALTHY), PlanRequest(), {decision.route_key: (told,)}).close()

    notification = closing.notification
    assert notification
    assert (notification.owner, notification.provider) == ("release-governance", "webhook")
    assert (notification.cycle_id, notification.schedule_id) == (cycle, "payments")
    assert notification.title == "Rollback drill no longer needed: payments (production)"
    assert notification.summary == (
        "The cycle is closed: the schedule needs nothing now. Next due 2027-06-01T09:00:00+00:00."
    )
    assert dict(notification.facts)["Was due"] == "unknown"


def test_the_message_that_closes_names_its_route_and_no_environment_that_is_not_there() -> None:
    (closing,) = make_case(environment=None).close()

    notification = closing.notification
    assert notification
    assert notification.route_key == closing.route_key == ROUTE
    assert notification.title == "Rollback drill no longer needed: payments"


def test_an_owner_whom_the_schedule_no_longer_has_leaves_the_cycle() -> None:
    (closing,) = make_case(next_due_at=DUE_AT, owners=["team-b", "team-c"]).close()

    notification = closing.notification
    assert notification
    assert notification.is_closing
    assert notification.owner == "team-a"
    assert notification.title == "Rollback drill handed over: payments (production)"
    assert notification.summary == (
        f"team-a no longer owns this schedule. The cycle that was due {DUE_AT} is with team-b, team-c now."
    )


@pytest.mark.parametrize(
    ("sent", "owners"),
    [
        pytest.param([opened()], ["Team-A", "team-b"], id="spelt in another way"),
        pytest.param([opened(reason=Reason.ESCALATED)], ["team-b"], id="escalated to somebody else"),
        pytest.param([opened(), opened(number=2, reason=Reason.ESCALATED)], ["team-b"], id="later escalated"),
    ],
)
def test_who_still_belongs_to_the_cycle_stays(sent: Sequence[SentNotification], owners: list[str]) -> None:
    assert make_case(*sent, next_due_at=DUE_AT, owners=owners).close() == []


def test_a_document_that_cannot_be_read_hands_nothing_over() -> None:
    assert find_owners(None) == frozenset()
