"""A schedule that demands no drill for very long warns of it, and stays in its state."""

from datetime import timedelta
from typing import Any

import pytest

from rollback_drills.gate.drill_checks import drill_checks
from tests.samples.builders import DRILL, NOW, check_of, judged, make_subject

FAR = "schedule_far_start"
HALF_A_YEAR = timedelta(days=183)
SECOND = timedelta(seconds=1)
BERLIN = {"time_zone": "Europe/Berlin"}


def find_warnings(drills: list[Any] | None = None, **schedule: Any) -> tuple[str, ...]:
    """Return the warnings of a report; its notes and its check have the same."""
    report = judged(make_subject(drills, **schedule)).schedule_report
    assert [each.message for each in report.checks if each.id.endswith(FAR)] == list(report.warnings)
    assert set(report.warnings) <= set(report.operator_notes)
    return report.warnings


def test_a_due_time_centuries_ahead_is_ready_and_warned_of() -> None:
    subject = make_subject(next_due_at="2300-01-01T00:00:00Z")

    judgement = judged(subject)

    assert judgement.readiness == "ready"
    assert judgement.schedule.valid
    assert check_of(judgement.schedule_report, FAR).message == (
        "schedule.json: $.next_due_at is 2300-01-01T00:00:00+00:00, more than twice $.interval_days (30 days)"
        " ahead, and no drill is demanded before it; set an earlier date, or a longer interval"
    )


@pytest.mark.parametrize("policy", ["explicit", "after_completion", "fixed_sequence"])
@pytest.mark.parametrize(
    ("interval_days", "bound"),
    [(30, HALF_A_YEAR), (100, timedelta(days=200))],
    ids=["half a year", "two intervals"],
)
def test_a_due_time_is_far_beyond_half_a_year_and_two_intervals(
    policy: str, interval_days: int, bound: timedelta
) -> None:
    at, after = (NOW + bound).isoformat(), (NOW + bound + SECOND).isoformat()

    assert not find_warnings(next_due_at=at, due_policy=policy, interval_days=interval_days)
    assert find_warnings(next_due_at=after, due_policy=policy, interval_days=interval_days)


def test_a_sequence_that_an_early_drill_has_moved_is_not_far() -> None:
    due = (NOW + timedelta(days=29)).isoformat()
    drill = {**DRILL, "executed_at": NOW.isoformat()}

    assert judged(make_subject([drill], next_due_at=due, due_policy="fixed_sequence")).readiness == "ready"
    assert not find_warnings([drill], next_due_at=due, due_policy="fixed_sequence")


@pytest.mark.parametrize(
    ("cadence", "is_far"),
    [
        ({"once_per": "month", "start": "2207-01-01"}, True),
        ({"once_per": "year", "start": "2027-01-01"}, False),
        ({"once_per": "year", "start": "2028-01-01"}, True),
        ({"rrule": "FREQ=WEEKLY", "start": "2027-05-30T10:00"}, False),
        ({"rrule": "FREQ=WEEKLY", "start": "2027-11-30T10:00"}, True),
        ({"rrule": "FREQ=WEEKLY", "start": "2207-01-01T10:00"}, True),
        ({"rrule": "FREQ=YEARLY;INTERVAL=5", "start": "2036-01-01T10:00"}, False),
        ({"rrule": "FREQ=YEARLY;INTERVAL=5", "start": "2037-01-01T10:00"}, True),
        ({"rrule": "FREQ=YEARLY;COUNT=1", "start": "2030-01-01T10:00"}, False),
    ],
    ids=str,
)
def test_a_cadence_is_far_if_it_begins_half_a_year_and_two_steps_ahead(
    cadence: dict[str, Any], is_far: bool
) -> None:
    found = find_warnings(interval_days=None, next_due_at=None, cadence={**cadence, **BERLIN})

    assert ["$.cadence is first due" in each for each in found] == ([True] if is_far else [])


def test_a_retired_schedule_is_not_warned_of() -> None:
    assert not find_warnings(next_due_at="2300-01-01T00:00:00Z", status="retired")


def test_a_gate_that_something_else_blocks_names_that() -> None:
    judgement = judged(make_subject(next_due_at="2300-01-01T00:00:00Z", runbook_ref="", owners=[]))

    (schedule,) = [
        each for each in drill_checks([judgement], is_unproven=False) if each.id.endswith("drill_schedule")
    ]
    assert schedule.failed_check.endswith("notification_routes")
