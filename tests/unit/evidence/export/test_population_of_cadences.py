"""What the report of an export says of a schedule with a cadence by the calendar."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rollback_drills.evidence.export.cycles import Due, PerformedDrill, judge_cycles
from rollback_drills.evidence.export.population import Population
from rollback_drills.evidence.export.seen_schedule import SeenSchedule
from rollback_drills.evidence.plan_records import record_plan
from tests.samples.builders import DRILL, NOW, checked, make_subject

MONTHLY = {"rrule": "FREQ=MONTHLY;BYDAY=1TU", "start": "2026-01-06T10:00", "time_zone": "Europe/Berlin"}
QUARTERLY = {"once_per": "quarter", "start": "2026-01-01", "time_zone": "UTC"}


def seen(**schedule: Any) -> SeenSchedule:
    """Take the record of one plan in."""
    check = checked(make_subject([{**DRILL, "executed_at": "2026-10-20T09:00:00Z"}], **schedule))
    facts = check.judgement.schedule
    plan = next(iter(record_plan(check.plan, facts, "rcd-x", created_at=NOW, signer="me")))
    population = Population(0, 1, has_earlier=False, pruned_count=0, head_count=1)
    population.add({**plan.to_wire(), "leaf_index": 0})
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


def take(*plans: tuple[str, dict[str, Any], list[str]]) -> SeenSchedule:
    """Take in the records of plans: when, with which cadence, and after which drills."""
    population = Population(0, len(plans), has_earlier=False, pruned_count=0, head_count=len(plans))
    for row, (time, cadence, drills) in enumerate(plans):
        history: list[Mapping[str, Any]] = [
            {**DRILL, "drill_id": each, "executed_at": f"{each}T12:00:00Z"} for each in drills
        ]
        subject = make_subject(history, interval_days=None, next_due_at=None, **cadence)
        now = datetime.fromisoformat(time).replace(tzinfo=UTC)
        check = checked(subject, now=now)
        records = record_plan(check.plan, check.judgement.schedule, "rcd-x", created_at=now, signer="me")
        population.add({**json.loads(json.dumps(next(records).to_wire())), "leaf_index": row})
    return population.schedules["payments"]


def judge(seen: SeenSchedule, until: str, *drills: str) -> list[tuple[str, str]]:
    performed = [
        PerformedDrill(0, each, at(f"{each}T12:00"), accepted=True, problems="", approver="")
        for each in drills
    ]
    found = judge_cycles(seen.list_due_times(at(until)), performed, seen_from=None, seen_at=at(until))
    return [(str(each.due_at.date()), str(each.state)) for each in found]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_period_is_compared_with_the_drills_in_it() -> None:
    quarterly = {"cadence": QUARTERLY}
    seen = take(("2026-01-02", quarterly, []), ("2026-08-11", quarterly, ["2026-08-10"]))

    assert judge(seen, "2026-12-01", "2026-08-10") == [
        ("2026-04-01", "missed"),
        ("2026-07-01", "missed"),
        ("2026-10-01", "in time"),
        ("2027-01-01", "open"),
    ]


def test_a_late_drill_meets_every_due_time_of_a_rule_before_it() -> None:
    monthly = {"cadence": MONTHLY}
    seen = take(("2026-01-02", monthly, []), ("2026-03-20", monthly, ["2026-03-19"]))

    assert judge(seen, "2026-03-21", "2026-03-19") == [
        ("2026-01-06", "late"),
        ("2026-02-03", "late"),
        ("2026-03-03", "late"),
        ("2026-04-07", "open"),
    ]


def test_a_cadence_that_was_changed_counts_for_the_time_in_which_it_held() -> None:
    berlin = {"berlin": {"holidays": "DE-BE"}}
    shift = {"to": "next_business_day", "calendar": "berlin"}
    changed = {"cadence": {**QUARTERLY, "shift": shift}, "calendars": berlin}
    seen = take(("2026-01-02", {"cadence": MONTHLY}, []), ("2026-02-20", changed, []))

    assert judge(seen, "2026-08-01") == [
        ("2026-01-06", "missed"),
        ("2026-02-03", "missed"),
        ("2026-04-01", "missed"),
        ("2026-07-01", "missed"),
    ]


def test_a_plan_of_earlier_versions_counts_with_its_own_due_time() -> None:
    seen = take(("2026-01-02", {"cadence": QUARTERLY}, []))
    (followed,) = seen.cadences
    seen.cadences = [followed._replace(says=msgspec.structs.replace(followed.says, document=None))]

    assert judge(seen, "2026-12-01") == [("2026-04-01", "missed")]
