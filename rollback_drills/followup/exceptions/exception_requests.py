"""Requests for an exception: what one person asks for, and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import EXCEPTION_DECLINE_KIND, EXCEPTION_REQUEST_KIND
from rollback_drills.followup.acknowledgements.acknowledgement import check_texts
from rollback_drills.followup.exceptions.exception import ExceptionKind, ExceptionRecord, check_end
from rollback_drills.names import ids
from rollback_drills.names.people import is_same_person
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.redaction.computed import Computed
from rollback_drills.rendering.sentences import one_line

OPEN_FOR: Final = timedelta(days=14)
"""How long a request can be decided at most; the end that it asks for ends it earlier."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for."""

    kind: ExceptionKind
    until: datetime
    reason: str
    requested_by: str


class RequestState(StrEnum):
    """What became of a request."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"  # nobody decided in time
    OVER = "over"  # its cycle ended before


class Decision(msgspec.Struct, frozen=True, gc=False):
    """How a request was decided, by whom and when."""

    is_approved: bool
    by: str
    at: datetime


class RequestedException(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"kind": "exception", "at": "requested_at", "until": "expires_at"},
):
    """A request as commands, API and console have it."""

    request_id: str
    schedule_id: str
    cycle_id: str
    kind: ExceptionKind
    reason: str
    requested_by: str
    at: datetime
    until: datetime
    """When the exception would end."""
    open_until: datetime
    """Up to and without this instant it can be decided."""
    leaf_index: int = 0
    """Its row."""

    @property
    def summary(self) -> str:
        """Return in one line who asks for what."""
        until = write_instant(self.until)
        return f"{self.requested_by} asks to {self.kind} until {until}: {one_line(self.reason)}"


class ExceptionRequestRecord(Record, frozen=True, kw_only=True, gc=False, tag=EXCEPTION_REQUEST_KIND):
    """The same as a record."""

    schedule_id: str
    cycle_id: Computed
    request_id: Computed
    exception: ExceptionKind
    reason: str
    requested_by: str
    requested_at: Computed
    next_due_at: Computed | None = None
    expires_at: Computed
    open_until: Computed

    @property
    def times(self) -> Sequence[datetime]:
        """When it was requested, when the exception would end, and until when it can be decided."""
        request = self.to_request()
        return request.at, request.until, request.open_until

    def to_request(self) -> RequestedException:
        """Return the request."""
        return RequestedException(
            request_id=self.request_id,
            schedule_id=self.schedule_id,
            cycle_id=self.cycle_id,
            kind=self.exception,
            reason=self.reason,
            requested_by=self.requested_by,
            at=datetime.fromisoformat(self.requested_at),
            until=datetime.fromisoformat(self.expires_at),
            open_until=datetime.fromisoformat(self.open_until),
            leaf_index=self.leaf_index or 0,
        )


class DeclineRecord(Record, frozen=True, kw_only=True, gc=False, tag=EXCEPTION_DECLINE_KIND):
    """That a request was declined, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    request_id: Computed
    exception: ExceptionKind
    requested_by: str
    declined_by: str
    declined_at: Computed
    reason: str

    @property
    def times(self) -> Sequence[datetime]:
        """When it was declined."""
        return (datetime.fromisoformat(self.declined_at),)


def read_decision(record: ExceptionRecord | DeclineRecord) -> Decision:
    """Return what a record says of the request that it decides."""
    if isinstance(record, ExceptionRecord):
        return Decision(is_approved=True, by=record.approver, at=record.at)
    at = datetime.fromisoformat(record.declined_at)
    return Decision(is_approved=False, by=record.declined_by, at=at)


@dataclass(frozen=True, slots=True)
class FoundRequest:
    """A request, and what the evidence knows of its end."""

    request: RequestedException
    decision: Decision | None = None
    is_cycle_over: bool = False
    """Whether a later plan of its schedule is about another cycle."""

    def state_at(self, now: datetime) -> RequestState:
        """Return what became of it."""
        if self.decision:
            return RequestState.APPROVED if self.decision.is_approved else RequestState.DECLINED
        if now >= self.request.open_until:
            return RequestState.EXPIRED
        return RequestState.OVER if self.is_cycle_over else RequestState.OPEN


def record_request(
    wish: Wish,
    cycle: Cycle,
    *,
    due_at: datetime | None,
    postpone_limit: timedelta,
    now: datetime,
    created_at: datetime,
) -> ExceptionRequestRecord:
    """Write down what a person asks for; nothing is quiet before somebody else approves it.

    Args:
        wish: What is asked for.
        cycle: The cycle.
        due_at: The due instant of the cycle; None if it is not known.
        postpone_limit: How far beyond it the drill can be postponed.
        now: When it is asked for.
        created_at: The clock of the evidence.

    Raises:
        UsageError: No reason or requester, an end that no exception may have, or texts that evidence must
            not hold.
    """
    texts = {"reason": wish.reason, "requested_by": wish.requested_by}
    for field, text in texts.items():
        if not text.strip():
            raise UsageError("is empty; a request has a reason and somebody who asks", field=field)
    check_texts(**texts)
    check_end(wish.kind, wish.until, due_at=due_at, postpone_limit=postpone_limit, now=now)
    at = write_instant(now)
    identifier = ids.exception_request_id(cycle.cycle_id, wish.kind, wish.requested_by, at)
    return ExceptionRequestRecord(
        session_id=ids.delivery_session_id(cycle.schedule_id, identifier),
        created_at=write_instant(created_at),
        signer=wish.requested_by,
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        request_id=identifier,
        exception=wish.kind,
        reason=wish.reason,
        requested_by=wish.requested_by,
        requested_at=at,
        next_due_at=write_instant(due_at) if due_at else None,
        expires_at=write_instant(wish.until),
        open_until=write_instant(min(wish.until, now + OPEN_FOR)),
    )


def refuse_repeat(wish: Wish, cycle: Cycle, waiting: Iterable[RequestedException]) -> None:
    """Ensure that a person does not ask twice for the same, as by a form that is sent again.

    Raises:
        UsageError: The same request waits already.
    """
    for each in waiting:
        is_same = (each.cycle_id, each.kind, each.until) == (cycle.cycle_id, wish.kind, wish.until)
        if is_same and is_same_person(each.requested_by, wish.requested_by):
            raise UsageError(f"{each.requested_by} has requested the same already: {each.request_id}")
