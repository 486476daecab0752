"""Whether an export of a period holds all of it, by the rows and by what is not exported."""

from collections.abc import Sequence

import pytest

from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.selection import Selection

BEFORE, SINCE, LATER, UNTIL = (f"2026-12-0{day}T00:00:00+00:00" for day in (1, 2, 3, 4))
FOLD, PRUNED = "fold", "pruned"


def found(entries: Sequence[str], *, since: str | None = SINCE, until: str | None = UNTIL) -> list[str]:
    """Return what is found; an entry is the time of a row, or what stands for rows that are left out."""
    selection, result = Selection(Query(since, until)), Verification()
    for place, entry in enumerate(entries):
        if entry in {FOLD, PRUNED}:
            selection.add_subtree(pruned=entry == PRUNED)
        else:
            selection.add_row(place, b'{"created_at":"%s"}' % entry.encode())
    selection.judge(result)
    assert result.remarks == []
    return [each.message for each in result.findings]


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([], id="nothing"),
        pytest.param([FOLD], id="nothing of the period"),
        pytest.param([LATER], id="from the first row to the last"),
        pytest.param([PRUNED, LATER], id="what was before is pruned"),
        pytest.param([LATER, PRUNED, LATER], id="what is between is pruned"),
        pytest.param([FOLD, BEFORE, LATER, UNTIL, FOLD], id="a row before and one after"),
    ],
)
def test_a_period_that_is_complete(entries: list[str]) -> None:
    assert found(entries) == []


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        pytest.param([FOLD, SINCE, UNTIL], "rows before row 1 are left out of the period", id="before"),
        pytest.param(
            [BEFORE, LATER, FOLD, UNTIL],
            "rows between row 0 and row 3 are left out of the period",
            id="between",
        ),
        pytest.param([BEFORE, LATER, FOLD], "rows at the end of the period are left out", id="at the end"),
    ],
)
def test_a_period_of_which_rows_are_left_out(entries: list[str], says: str) -> None:
    assert found(entries) == [says]


def test_without_a_bound_nothing_may_be_left_out() -> None:
    assert found([FOLD, BEFORE, FOLD], since=None, until=None) == [
        "rows before row 1 are left out of the period",
        "rows at the end of the period are left out",
    ]


def test_of_some_schedules_rows_may_be_left_out() -> None:
    selection, result = Selection(Query(SINCE, UNTIL, ("payments",))), Verification()
    selection.add_subtree(pruned=False)
    selection.add_row(1, b'{"created_at":"%s"}' % LATER.encode())
    selection.add_subtree(pruned=False)

    selection.judge(result)

    assert result.findings == []
    assert [remark.partition(":")[0] for remark in result.remarks] == ["this is an export of some schedules"]
