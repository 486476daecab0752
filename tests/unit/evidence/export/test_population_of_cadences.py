"""What the report of an export says of a schedule with a cadence by the calendar."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rollback_drills.evidence.export.cycles import Due
from rollback_drills.evidence.export.population import Population, SeenSchedule
from rollback_drills.evidence.records import record_plan
from tests.samples.builders import DRILL, NOW, checked, make_subject

MONTHLY = {"rrule": "FREQ=MONTHLY;BYDAY=1TU", "start": "2026-01-06T10:00", "time_zone": "Europe/Berlin"}
QUARTERLY = {"once_per": "quarter", "start": "2026-01-01", "time_zone": "UTC"}


def seen(**schedule: Any) -> SeenSchedule:
    """Take the record of one plan in."""
    check = checked(make_subject([{**DRILL, "executed_at": "2026-10-20T09:00:00Z"}], **schedule))
    facts = check.judgement.schedule
    plan = next(iter(record_plan(check.plan, facts, "rcd-x", created_at=NOW, signer="me")))
    population = Population(0, 1, has_earlier=False, pruned_count=0, head_count=1)
    population.add({**plan, "leaf_index": 0})
    return population.schedules["payments"]


@pytest.mark.parametrize(
    ("cadence", "description", "due"),
    [
        (
            MONTHLY,
            "FREQ=MONTHLY;BYDAY=1TU from 2026-01-06T10:00 (Europe/Berlin)",
            Due(datetime(2026, 11, 3, 9, tzinfo=UTC), datetime(2026, 10, 6, 8, tzinfo=UTC)),
        ),
        (
            QUARTERLY,
            "once per quarter (UTC)",
            Due(datetime(2027, 4, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), can_be_late=False),
        ),
    ],
)
def test_the_evidence_says_which_drills_count_for_a_due_time(
    cadence: dict[str, Any], description: str, due: Due
) -> None:
    found = seen(interval_days=None, next_due_at=None, cadence=cadence)
    assert found.cadence == description
    assert list(found.due_times.values()) == [due]


def test_an_interval_counts_from_one_interval_before() -> None:
    found = seen()
    assert found.cadence == "30 days"
    (due,) = found.due_times.values()
    assert (due.at - (due.counts_from or due.at)).days == 30
