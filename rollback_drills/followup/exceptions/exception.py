"""Skips, postponements and waivers of one cycle: approved, dated, and in the evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.quotation import show
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import EXCEPTION_KIND
from rollback_drills.followup.approval import check_approval
from rollback_drills.names import ids
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.redaction.computed import Computed
from rollback_drills.rendering.sentences import one_line

LONGEST: Final = timedelta(days=366)


class ExceptionKind(StrEnum):
    """What is allowed, for a time."""

    SKIP = "skip"  # this cycle is not performed, the next one is
    POSTPONE = "postpone"  # it is performed later
    WAIVE = "waive"  # nobody has to perform it

    @property
    def past(self) -> str:
        """What the cycle is then: skipped, postponed or waived."""
        return {"skip": "skipped", "postpone": "postponed", "waive": "waived"}[self]


class ExceptionRecord(Record, frozen=True, kw_only=True, gc=False, tag=EXCEPTION_KIND):
    """What was approved for one cycle, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    exception_id: Computed
    exception: ExceptionKind
    reason: str
    approver: str
    requested_by: str | None = None
    """Who asked for it; None if only the approver is known."""
    request_id: Computed | None = None
    """The request that was approved; None if there was none."""
    remark: str | None = None
    """What the approver of a request added to its reason; None if nothing."""
    approved_at: Computed
    next_due_at: Computed | None = None
    expires_at: Computed

    @property
    def at(self) -> datetime:
        """When it was approved."""
        return datetime.fromisoformat(self.approved_at)

    @property
    def until(self) -> datetime:
        """The instant from which on the cycle counts again."""
        return datetime.fromisoformat(self.expires_at)

    @property
    def times(self) -> Sequence[datetime]:
        """When it was approved, and until when the cycle is quiet."""
        return self.at, self.until

    def holds_at(self, instant: datetime) -> bool:
        """Whether the cycle is quiet at an instant; at its end it counts again."""
        return instant < self.until

    @property
    def because(self) -> str:
        """Explain in one line why the cycle is quiet."""
        until = write_instant(self.until)
        return f"{self.exception.past} until {until} by {self.approver}: {one_line(self.reason)}"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person approves."""

    kind: ExceptionKind
    until: datetime
    reason: str
    approver: str
    requested_by: str = ""
    """Who asked for it; empty if only the approver is known."""
    request_id: str = ""
    """The request that is approved; empty if there is none."""
    remark: str = ""
    """What the approver adds to the reason of the request; empty if nothing."""


def read_end(text: str) -> datetime:
    """Read when an exception shall end.

    Raises:
        UsageError: It is no instant.
    """
    try:
        return read_instant(text)[0]
    except ValueError:
        raise UsageError(
            f"is {show(text)}; write an ISO 8601 timestamp such as 2026-12-20T15:40:00Z", field="until"
        ) from None


def record_exception(
    given: Grant,
    cycle: Cycle,
    *,
    due_at: datetime | None,
    postpone_limit: timedelta,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> ExceptionRecord:
    """Write down an exception for a cycle.

    Args:
        given: What is approved.
        cycle: The cycle.
        due_at: The due instant of the cycle; None if it is not known.
        postpone_limit: How far beyond it the drill can be postponed.
        now: When it is approved.
        created_at: The clock of the evidence.
        signer: Who writes it down.

    Raises:
        UsageError: No reason or approver, a requester who approves, an end that is past or too far away, or
            texts that evidence must not hold.
    """
    check_approval(
        "an exception", reason=given.reason, approver=given.approver, requested_by=given.requested_by
    )
    check_end(given.kind, given.until, due_at=due_at, postpone_limit=postpone_limit, now=now)
    identifier = ids.exception_id(cycle.cycle_id, given.kind, write_instant(now))
    return ExceptionRecord(
        session_id=ids.delivery_session_id(cycle.schedule_id, identifier),
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        exception_id=identifier,
        exception=given.kind,
        reason=given.reason,
        approver=given.approver,
        requested_by=given.requested_by or None,
        request_id=given.request_id or None,
        remark=given.remark or None,
        approved_at=write_instant(now),
        next_due_at=write_instant(due_at) if due_at else None,
        expires_at=write_instant(given.until),
    )


def check_end(
    kind: ExceptionKind,
    until: datetime,
    *,
    due_at: datetime | None,
    postpone_limit: timedelta,
    now: datetime,
) -> None:
    """Ensure that an exception may end when it shall.

    Raises:
        UsageError: The end is past, or beyond the limit of its kind.
    """
    written = write_instant(until)
    if until <= now:
        raise UsageError(f"{written} is past; an exception ends in the future", field="until")
    if kind is ExceptionKind.POSTPONE:
        ceiling = (due_at or now) + postpone_limit
        if until > ceiling:
            raise UsageError(
                f"{written} is beyond {write_instant(ceiling)}, the limit of this cycle: its schedule"
                f" allows {postpone_limit / timedelta(days=1):g} days after the due time"
                " (postpone_limit_days)",
                field="until",
            )
    elif until > now + LONGEST:
        raise UsageError(
            f"{written} is more than {LONGEST.days} days away; approve it again when it ends", field="until"
        )


def find_latest(found: Iterable[ExceptionRecord]) -> dict[str, ExceptionRecord]:
    """Return, by cycle, the exception that was approved last; it may be over."""
    latest: dict[str, ExceptionRecord] = {}
    for each in found:
        before = latest.get(each.cycle_id)
        if before is None or (each.at, each.exception_id) > (before.at, before.exception_id):
            latest[each.cycle_id] = each
    return latest
