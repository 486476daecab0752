"""A summary counts by owner and week, and names what goes wrong, each with its bound."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.simulation.assumptions import Assumptions
from rollback_drills.simulation.findings import Summary
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.simulate import simulate
from rollback_drills.simulation.summary import Limits, summarise
from tests.samples.builders import make_subject

SINCE = datetime(2026, 12, 1, tzinfo=UTC)
DUE = "2026-12-20T09:00:00Z"
USUAL: dict[str, Any] = {"next_due_at": DUE, "owners": ["team-a"], "notification_providers": ["slack"]}


def summary_of(
    *schedules: dict[str, Any],
    days: int = 31,
    late_by: timedelta | None = timedelta(0),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Summary:
    """Simulate schedules, as changes of the usual one."""
    subjects = [
        make_subject(**{**USUAL, "schedule_id": f"service-{number}", **each})
        for number, each in enumerate(schedules)
    ]
    scenario = Scenario(SINCE, SINCE + timedelta(days=days), assumptions=Assumptions(late_by))
    return summarise(simulate(subjects, scenario).happenings, scenario.until, limits)


def window(start: str, end: str, **matchers: Any) -> dict[str, Any]:
    """Return a schedule with one window."""
    period = {"window_id": "freeze", "reason": "no changes", "start_at": start, "end_at": end, **matchers}
    return {"maintenance_windows": [period]}


def absence(**calendar: Any) -> dict[str, Any]:
    """Return a schedule whose owner has a calendar."""
    return {"owner_calendars": {"team-a": calendar}}


def test_notifications_are_counted_by_owner_and_iso_week() -> None:
    found = summary_of({}, {"owners": ["Team-A", "team-b"]})

    by_week = {(each.week, each.owner): each.notifications for each in found.notifications_by_owner_and_week}
    # told on 6 December, escalated an hour later, repeated a week later, resolved on the 20th
    assert by_week == {
        ("2026-W49", "team-a"): 4,
        ("2026-W49", "team-b"): 2,
        ("2026-W50", "team-a"): 2,
        ("2026-W50", "team-b"): 1,
        ("2026-W51", "team-a"): 2,
        ("2026-W51", "team-b"): 1,
    }
    assert found.notification_count == sum(by_week.values())
    assert (found.escalation_count, found.due_count, found.performed_count) == (3, 2, 2)


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("2026-12-20T09:00:00Z", "2026-12-20T10:00:00Z", 1),
        ("2026-12-20T08:00:00Z", "2026-12-20T09:00:00Z", 0),
        ("2026-12-20T09:00:01Z", "2026-12-20T10:00:00Z", 0),
    ],
)
def test_a_drill_is_due_in_a_freeze_from_its_start_and_not_at_its_end(
    start: str, end: str, count: int
) -> None:
    assert len(summary_of(window(start, end)).due_in_freeze) == count


def test_a_freeze_names_the_owners_that_it_suppresses_once() -> None:
    document = window("2026-12-20T00:00:00Z", "2026-12-21T00:00:00Z", owners=["team-b"])

    (found,) = summary_of(
        {**document, "owners": ["team-a", "team-b"], "notification_providers": ["slack", "teams"]}
    ).due_in_freeze

    assert (found.window, found.reason, found.owners) == ("freeze", "no changes", ("team-b",))
    assert (found.due_at, found.until) == ("2026-12-20T09:00:00+00:00", "2026-12-21T00:00:00+00:00")


def test_an_owner_who_is_absent_when_a_drill_is_due_is_named_with_the_end() -> None:
    leave = {"start_at": "2026-12-20T00:00:00Z", "end_at": "2026-12-24T00:00:00Z", "reason": "leave"}

    (known,) = summary_of(absence(unavailable_windows=[leave])).owners_absent
    (endless,) = summary_of(absence(available=False, reason="left")).owners_absent

    assert (known.owner, known.reason, known.until) == ("team-a", "leave", "2026-12-24T00:00:00+00:00")
    assert (endless.reason, endless.until) == ("left", None)


@pytest.mark.parametrize(("allowed", "count"), [(4, 1), (5, 0)])
def test_a_route_is_silent_for_too_long_beyond_the_limit(allowed: float, count: int) -> None:
    # the drill is due soon from 6 December on
    document = window("2026-12-05T00:00:00Z", "2026-12-11T09:00:00Z")

    found = summary_of(document, limits=Limits(silent_days=allowed)).silent_routes

    assert [(each.days, each.until) for each in found] == [(5, "2026-12-11T09:00:00+00:00")] * count


def test_a_route_is_silent_until_the_drill_is_performed_or_to_the_end() -> None:
    document = window("2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z")

    (performed,) = summary_of(document).silent_routes
    (never,) = summary_of(document, late_by=None).silent_routes

    assert (performed.until, performed.days) == ("2026-12-20T09:00:00+00:00", 14)
    assert (never.until, never.days) == (None, 25.62)


def test_a_chain_ends_nowhere_if_everybody_is_gone_or_nobody_else_is_in_it() -> None:
    gone = {"owner_calendars": {name: {"available": False} for name in ("team-a", "lead")}}
    rule = {"owner_routes": {"team-a": {"escalation_owner": "lead"}}}

    assert summary_of(rule).chains_to_nobody == []
    (alone,) = summary_of({}).chains_to_nobody
    (absent,) = summary_of({**gone, **rule}).chains_to_nobody
    assert (alone.because, alone.cycles) == ("nobody but the owner is in the chain", 1)
    assert absent.because == "everybody is absent, or in a window, without a known end"


@pytest.mark.parametrize(("most", "count"), [(1, 1), (2, 0)])
def test_an_owner_has_too_many_drills_in_a_week_beyond_the_limit(most: int, count: int) -> None:
    sunday, monday = {"next_due_at": "2026-12-20T23:59:00Z"}, {"next_due_at": "2026-12-21T00:00:00Z"}

    found = summary_of({}, sunday, monday, limits=Limits(drills_per_week=most)).busy_weeks

    assert [(each.week, each.owner, each.drills) for each in found] == [("2026-W51", "team-a", 2)] * count


@pytest.mark.parametrize(
    ("name", "value"), [("silent_days", -1), ("silent_days", 367), ("drills_per_week", -1)]
)
def test_limits_that_make_no_sense_are_refused(name: str, value: int) -> None:
    with pytest.raises(UsageError, match=f"^{name} must be from 0 to"):
        Limits(**{name: value})
