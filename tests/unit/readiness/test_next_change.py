"""When the readiness of a schedule changes next, if nobody edits its documents."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.due import find_next_change, find_written_due
from rollback_drills.readiness.judgement import find_due
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import DRILL, NOW, judged, make_subject

DUE = datetime.fromisoformat("2026-12-20T09:00:00+00:00")
MOMENT = timedelta(microseconds=1)
DRILLS = st.lists(st.integers(-400, 400), max_size=3)


def test_it_is_due_soon_from_the_bound_on_and_overdue_after_the_due_time() -> None:
    subject, soon = make_subject(next_due_at=DUE.isoformat()), Criteria().due_soon

    first = find_next_change(None, DUE, soon, now=NOW)
    assert first == DUE - soon
    second = find_next_change(None, DUE, soon, now=first)
    assert second == DUE + MOMENT
    assert find_next_change(None, DUE, soon, now=second) is None
    times = (first - MOMENT, first, second - MOMENT, second)
    states = [judged(subject, now=each).readiness for each in times]
    assert states == [Readiness.READY, Readiness.DUE_SOON, Readiness.DUE_SOON, Readiness.NEEDS_ATTENTION]


@given(DRILLS, st.integers(0, 600))
def test_the_state_stays_until_the_next_change(drills: list[int], hours: int) -> None:
    now, criteria = NOW + timedelta(hours=hours), Criteria(due_soon_days=2)
    written: list[Mapping[str, Any]] = [
        {**DRILL, "executed_at": (NOW + timedelta(hours=each)).isoformat()} for each in drills
    ]
    subject = make_subject(
        written, next_due_at=DUE.isoformat(), due_policy="after_completion", interval_days=5
    )
    assert subject.history

    change = find_next_change(
        subject.history.document, find_due(subject, now=now), criteria.due_soon, now=now
    )

    later, before = now, judged(subject, now=now, criteria=criteria).cycle
    while later < (change or now + timedelta(days=30)):
        assert judged(subject, now=later, criteria=criteria).cycle == before
        later += timedelta(minutes=55)


@pytest.mark.parametrize(
    ("changes", "moves"),
    [
        ({}, True),
        ({"due_policy": "after_completion"}, False),
        ({"next_due_at": None}, False),
        ({"interval_days": 0}, False),
    ],
)
def test_only_a_written_due_time_moves_by_an_edit(changes: dict[str, object], moves: bool) -> None:
    subject = make_subject([DRILL], **changes)
    assert subject.document
    assert subject.history
    assert subject.history.document

    moved = find_written_due(subject.document, subject.history.document, now=NOW)

    assert moved == (datetime.fromisoformat("2026-12-20T09:00:00+00:00") if moves else None)
