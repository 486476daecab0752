"""After a change the next drill is due earlier, until an accepted drill came after it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from rollback_drills.documents.changes import Change, KnownChanges
from rollback_drills.documents.fleets.fleet_changes import add_changes, load_changes
from rollback_drills.documents.spans import Span
from rollback_drills.documents.subject import Subject
from rollback_drills.planning.explanation import explain
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.upcoming import find_upcoming
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import find_due
from rollback_drills.readiness.stale_proof import find_next_promotion
from rollback_drills.readiness.states import Readiness
from rollback_drills.reports.calendar import build_calendar
from tests.samples.builders import DRILL, NOW, build_notifications, checked, judged, make_subject
from tests.samples.changes import write_changes

DAY = timedelta(days=1)
FAR = "2027-02-01T09:00:00Z"
FAR_DUE = datetime.fromisoformat("2027-02-01T09:00:00+00:00")


def make(
    *promoted: float, drills: list[Mapping[str, Any]] | None = None, days: float | None = 7, **fields: Any
) -> Subject:
    """Make a schedule after which things were promoted so many days after now, with a drill before it."""
    subject = make_subject(
        [DRILL] if drills is None else drills,
        **{"next_due_at": FAR, "redrill_after_change_days": days, **fields},
    )
    changes = [Change(f"rel-{number}", NOW + each * DAY) for number, each in enumerate(sorted(promoted))]
    return replace(subject, changes=KnownChanges(tuple(changes)))


def drill_at(days: float, **facts: Any) -> dict[str, Any]:
    return {**DRILL, "drill_id": f"drill-{days}", "executed_at": (NOW + days * DAY).isoformat(), **facts}


@pytest.mark.parametrize(
    ("subject", "due_at"),
    [
        pytest.param(make(-1), NOW + 6 * DAY, id="a change"),
        pytest.param(make(-1, -3), NOW + 4 * DAY, id="the earliest of several"),
        pytest.param(make(-1, days=None), FAR_DUE, id="a schedule that does not ask"),
        pytest.param(make(1), FAR_DUE, id="a change to come"),
        pytest.param(make(0), NOW + 7 * DAY, id="a change of this moment"),
        pytest.param(make(-1, drills=[drill_at(-0.5)]), FAR_DUE, id="a drill after it"),
        pytest.param(make(-1, drills=[drill_at(-1)]), NOW + 6 * DAY, id="a drill at the same time"),
        pytest.param(
            make(-1, drills=[drill_at(-0.5, status="fail")]), NOW + 6 * DAY, id="a failed drill after it"
        ),
        pytest.param(make(-1, -4, drills=[drill_at(-2)]), NOW + 6 * DAY, id="a drill between two changes"),
        pytest.param(make(-1, drills=[]), NOW + 6 * DAY, id="no drill at all"),
        pytest.param(
            make(-1, next_due_at="2026-12-05T09:00:00Z"), NOW + 4 * DAY, id="the cadence is earlier"
        ),
        pytest.param(make(-1, next_due_at=None, drills=[]), None, id="no due time to move"),
        pytest.param(make(-1, next_due_at=None), NOW + 6 * DAY, id="after the latest drill"),
        pytest.param(
            make(
                -1,
                next_due_at=None,
                interval_days=None,
                cadence={"once_per": "year", "start": "2027-01-01", "time_zone": "UTC"},
            ),
            NOW + 6 * DAY,
            id="by the calendar",
        ),
    ],
)
def test_a_drill_is_due_at_the_earlier_of_cadence_and_change(
    subject: Subject, due_at: datetime | None
) -> None:
    assert find_due(subject, now=NOW) == due_at


def test_the_reason_is_in_the_report_the_explanation_and_the_message() -> None:
    subject = make(-1, -0.5)
    check = checked(subject)
    facts = check.judgement.schedule

    assert facts.change
    assert (facts.change.change_id, facts.change.further_count, facts.change.moves_due) == ("rel-0", 1, True)
    assert facts.change.cadence_due_at == "2027-02-01T09:00:00+00:00"
    change = "rel-0 on 2026-11-30T09:00:00+00:00 and 1 later change"
    reason = f"there is no accepted drill since the promotion of {change}"
    assert facts.message == f"the next drill is due 2026-12-07T09:00:00+00:00, because {reason}"
    assert check.judgement.readiness is Readiness.DUE_SOON
    because = explain(check, PlanRequest(), Criteria(), now=NOW).due_because
    assert because.startswith(f"$.redrill_after_change_days is 7, and {reason}; without it: written as")
    (first, *_) = build_notifications(check.judgement.schedule_report, check.plan)
    assert first.summary.startswith(
        f"The next rollback drill is due 2026-12-07T09:00:00+00:00, because {reason}."
    )
    assert ("Not proven since", "rel-0, promoted 2026-11-30T09:00:00+00:00") in first.facts
    assert first.event["summary"]["change"]["change_id"] == "rel-0"

    late = checked(subject, now=NOW + 10 * DAY)
    assert late.judgement.schedule.message == (
        f"schedule.json: the drill was due 2026-12-07T09:00:00+00:00, because {reason}"
    )
    (first, *_) = build_notifications(late.judgement.schedule_report, late.plan)
    assert first.summary == (
        f"Rollback not proven: the drill was due 2026-12-07T09:00:00+00:00, because {reason}. Perform it and"
        " record it."
    )


def test_a_proof_is_stale_even_if_the_schedule_demands_no_drill_for_it() -> None:
    facts = judged(make(-1, days=None)).schedule

    assert facts.change
    assert (facts.change.redrill_due_at, facts.change.moves_due) == ("", False)
    assert facts.message == "the next drill is due 2027-02-01T09:00:00+00:00"


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (
            None,
            "schedule.json: $.redrill_after_change_days needs to know what was promoted; set DRILLS_CHANGES",
        ),
        (KnownChanges(problem="changes.json: does not exist"), "changes.json: does not exist"),
    ],
)
def test_a_schedule_that_cannot_know_what_was_promoted_needs_attention(
    known: KnownChanges | None, message: str
) -> None:
    judgement = judged(replace(make(), changes=known))

    assert judgement.readiness is Readiness.NEEDS_ATTENTION
    assert judgement.schedule.message.startswith(message)
    other = judged(replace(make(days=None), changes=known))
    assert other.readiness is Readiness.READY


@given(
    promoted=st.lists(st.integers(-60, 60), max_size=4),
    drills=st.lists(st.integers(-60, 60), max_size=3),
    due_in=st.integers(-40, 40),
    days=st.sampled_from([0.5, 7, 30]),
)
def test_the_due_time_is_what_the_rule_says(
    promoted: list[int], drills: list[int], due_in: int, days: float
) -> None:
    due_at = NOW + due_in * DAY
    subject = make(
        *promoted, drills=[drill_at(each) for each in drills], days=days, next_due_at=due_at.isoformat()
    )

    proven = max((each for each in drills if each <= 0), default=-1000)
    redrills = [NOW + (each + days) * DAY for each in promoted if proven <= each <= 0]
    assert find_due(subject, now=NOW) == min([due_at, *redrills])
    next_promotion = find_next_promotion(subject, now=NOW)
    assert next_promotion == min((NOW + each * DAY for each in promoted if each > 0), default=None)
    change = judged(subject).schedule.change
    assert (change is UNSET) == (not redrills)


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({}, [6, 62, 92]),
        ({"due_policy": "after_completion", "interval_days": 40}, [6, 46, 86]),
        ({"due_policy": "fixed_sequence"}, [6, 62, 92]),
    ],
    ids=["explicit", "after completion", "fixed sequence"],
)
def test_the_due_times_after_it_are_those_of_the_policy(fields: dict[str, Any], days: list[float]) -> None:
    drills = [] if "due_policy" in fields else [DRILL]
    subject = make(-1, drills=drills, **fields)
    judgement = judged(subject)

    upcoming = find_upcoming([judgement], [subject.document], Span(NOW, NOW + 100 * DAY), now=NOW)
    assert [each.start_at for each in upcoming] == [NOW + each * DAY for each in days]
    calendar = build_calendar([judgement], [subject.document], now=NOW).decode()
    for each in days:
        assert f"DTSTART:{NOW + each * DAY:%Y%m%dT%H%M%SZ}" in calendar


def test_a_change_concerns_the_schedules_and_environments_that_it_names(tmp_path: Path) -> None:
    path = write_changes(
        tmp_path / "changes.json",
        {"change_id": "all"},
        {"change_id": "mine", "schedule_ids": ["PAYMENTS", "other"], "promoted_at": "2026-11-01T00:00:00Z"},
        {"change_id": "other", "schedule_ids": ["other"]},
        {"change_id": "production", "environments": ["production"]},
        {"change_id": "staging", "environments": ["staging"], "schedule_ids": ["payments"]},
    )

    (subject,) = add_changes([make_subject()], load_changes(path))

    assert subject.changes
    assert [each.change_id for each in subject.changes.changes] == ["mine", "all", "production"]


@pytest.mark.parametrize(
    ("changes", "further", "problem"),
    [
        (
            [{}, {}],
            {},
            '$.changes[1].change_id is "rel-42", which $.changes[0] has too; list each change once',
        ),
        ([{}], {"schema_version": "v2"}, '$.schema_version is "v2"; must be "rollback-drills.changes.v1"'),
        ([{"promoted_at": "soon"}], {}, '$.changes[0].promoted_at is "soon"; must be an ISO 8601 timestamp'),
        ([{"change_id": None}], {}, "$.changes[0].change_id is missing; it is needed"),
        ([{"who": "x"}], {}, "$.changes[0].who is an unknown key"),
        ([{"what": "see https://intern.example.com"}], {}, "$.changes[0].what holds"),
    ],
)
def test_a_document_that_cannot_be_used_is_a_finding(
    changes: list[dict[str, Any]], further: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    path = write_changes(tmp_path / "changes.json", *changes, **further)

    (subject,) = add_changes([make_subject()], load_changes(path))

    assert subject.changes
    assert subject.changes.problem.startswith(f"changes.json: {problem}")
    assert "\n" not in subject.changes.problem
    assert subject.changes.changes == ()


def test_without_a_document_the_schedules_stay_the_same_objects() -> None:
    subject = make_subject()

    assert add_changes([subject], None)[0] is subject
