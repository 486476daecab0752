"""Which exceptions may be approved, and which one counts."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import convert

from rollback_drills.errors import UsageError
from rollback_drills.followup.exceptions.exception import (
    LONGEST,
    ExceptionKind,
    ExceptionRecord,
    Grant,
    find_latest,
    read_end,
    record_exception,
)
from rollback_drills.names import ids
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW
from tests.samples.followup_records import excepted

SECOND, LIMIT = timedelta(seconds=1), timedelta(days=10)
DUE = NOW + timedelta(days=2)


def approve(
    until: datetime,
    kind: ExceptionKind = ExceptionKind.WAIVE,
    *,
    due_at: datetime | None = DUE,
    reason: str = "the cluster is moved",
    approver: str = "maria",
    **of_request: str,
) -> ExceptionRecord:
    return record_exception(
        Grant(kind, until, reason, approver, **of_request),
        Cycle("payments", "gordcycle-1", Readiness.NEEDS_ATTENTION),
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

    assert record.expires_at == latest.isoformat()
    assert record.next_due_at == (due_at.isoformat() if due_at else None)
    assert approve(NOW + SECOND, kind, due_at=due_at).exception == kind
    with pytest.raises(UsageError, match=r"^until .* is past; an exception ends in the future$"):
        approve(NOW, kind, due_at=due_at)
    with pytest.raises(UsageError, match=r"^until .* (is beyond|is more than 366 days away)"):
        approve(latest + SECOND, kind, due_at=due_at)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_exception_has_a_reason_and_an_approver(text: str) -> None:
    with pytest.raises(UsageError, match="reason is empty"):
        approve(DUE, reason=text)
    with pytest.raises(UsageError, match="approver is empty"):
        approve(DUE, approver=text)


@pytest.mark.parametrize("field", ["reason", "approver"])
def test_an_exception_holds_nothing_that_evidence_must_not_name(field: str) -> None:
    with pytest.raises(UsageError, match=f"^{field} holds ") as raised:
        approve(DUE, **{field: "see https://ci.example.com/job/1"})  # type: ignore[arg-type]

    assert "ci.example.com" not in str(raised.value)


def test_a_postponement_that_is_too_long_is_told_how_long_it_may_be() -> None:
    with pytest.raises(UsageError, match=r"allows 10 days after the due time"):
        approve(DUE + LIMIT + SECOND, ExceptionKind.POSTPONE)


@pytest.mark.parametrize("request_id", ["", "gordreq-1"])
def test_an_exception_names_its_request_if_there_was_one(request_id: str) -> None:
    asked, remark = ("jo", "until Friday") if request_id else ("", "")
    record = approve(DUE, requested_by=asked, request_id=request_id, remark=remark)

    expected = ("jo", "gordreq-1", "until Friday") if request_id else (None, None, None)
    assert (record.requested_by, record.request_id, record.remark) == expected


@pytest.mark.parametrize("kind", ExceptionKind)
def test_an_exception_is_read_back_as_it_was_approved(kind: ExceptionKind) -> None:
    record = approve(DUE, kind)

    assert record.schedule_id == "payments"
    assert (record.exception_id, record.exception) == (
        ids.exception_id("gordcycle-1", kind, NOW.isoformat()),
        kind,
    )
    assert (record.at, record.until) == (NOW, DUE)
    assert convert(record.to_wire(), ExceptionRecord) == record


def test_an_exception_holds_until_its_end_and_says_why() -> None:
    exception = approve(DUE)

    assert (exception.holds_at(DUE - SECOND), exception.holds_at(DUE)) == (True, False)
    assert exception.because == "waived until 2026-12-03T09:00:00+00:00 by maria: the cluster is moved"


def test_why_a_cycle_is_quiet_is_one_line_whatever_the_reason_is() -> None:
    exception = approve(DUE, reason="moved\n\n  payments: ready\n")

    assert exception.because.endswith(" by maria: moved payments: ready")
    assert exception.reason == "moved\n\n  payments: ready\n"


def test_the_end_of_an_exception_is_an_instant() -> None:
    assert read_end("2026-12-20T15:40:00Z") == datetime(2026, 12, 20, 15, 40, tzinfo=UTC)
    with pytest.raises(UsageError, match=r"^until is \"tomorrow\"; write an ISO 8601 timestamp"):
        read_end("tomorrow")


def test_what_was_approved_last_counts_whatever_the_order() -> None:
    def make(name: str, seconds: int) -> ExceptionRecord:
        at = NOW + seconds * SECOND
        return excepted(DUE, at, exception_id=name)

    first, same, last = make("b", 0), make("c", 0), make("a", 1)

    assert find_latest([first, last]) == find_latest([last, first]) == {"gordcycle-1": last}
    assert find_latest([first, same]) == find_latest([same, first]) == {"gordcycle-1": same}
