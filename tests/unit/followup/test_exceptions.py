"""Which exceptions may be approved, and which one counts."""

from datetime import datetime, timedelta

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.followup.exceptions import (
    LONGEST,
    CycleException,
    ExceptionKind,
    Grant,
    find_latest,
    record_exception,
)
from rollback_drills.readiness.terms import Report
from tests.samples.builders import NOW

SECOND, LIMIT = timedelta(seconds=1), timedelta(days=10)
DUE = NOW + timedelta(days=2)


def approve(
    until: datetime,
    kind: ExceptionKind = ExceptionKind.WAIVE,
    *,
    due_at: datetime | None = DUE,
    reason: str = "the cluster is moved",
    approver: str = "maria",
) -> Report:
    return record_exception(
        Grant(kind, until, reason, approver),
        {"schedule_id": "payments", "cycle_id": "gordcycle-1"},
        due_at=due_at,
        postpone_limit=LIMIT,
        now=NOW,
        created_at=NOW,
        signer="test",
    )


@pytest.mark.parametrize(
    ("kind", "due_at", "latest"),
    [
        pytest.param(ExceptionKind.SKIP, DUE, NOW + LONGEST, id="skip"),
        pytest.param(ExceptionKind.WAIVE, None, NOW + LONGEST, id="waive"),
        pytest.param(ExceptionKind.POSTPONE, DUE, DUE + LIMIT, id="postpone"),
        pytest.param(ExceptionKind.POSTPONE, None, NOW + LIMIT, id="postpone without a due date"),
    ],
)
def test_an_exception_ends_in_the_future_and_not_too_late(
    kind: ExceptionKind, due_at: datetime | None, latest: datetime
) -> None:
    record = approve(latest, kind, due_at=due_at)

    assert record["expires_at"] == latest.isoformat()
    assert record["next_due_at"] == (due_at.isoformat() if due_at else None)
    assert approve(NOW + SECOND, kind, due_at=due_at)["exception"] == kind
    for until in (NOW, latest + SECOND):
        with pytest.raises(UsageError, match=r"^until "):
            approve(until, kind, due_at=due_at)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_exception_has_a_reason_and_an_approver(text: str) -> None:
    with pytest.raises(UsageError, match="reason is empty"):
        approve(DUE, reason=text)
    with pytest.raises(UsageError, match="approver is empty"):
        approve(DUE, approver=text)


def test_what_was_approved_last_counts_whatever_the_order() -> None:
    def make(name: str, seconds: int) -> CycleException:
        at = NOW + seconds * SECOND
        return CycleException(name, "gordcycle-1", ExceptionKind.WAIVE, "", "maria", at, DUE)

    first, same, last = make("b", 0), make("c", 0), make("a", 1)

    assert find_latest([first, last]) == find_latest([last, first]) == {"gordcycle-1": last}
    assert find_latest([first, same]) == find_latest([same, first]) == {"gordcycle-1": same}
