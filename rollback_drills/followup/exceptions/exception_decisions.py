"""Decides requests for an exception: somebody other than the requester approves or declines, in time."""

from datetime import datetime

from rollback_drills.documents.quotation import show
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.followup.acknowledgements.acknowledgement import check_texts
from rollback_drills.followup.exceptions.exception import Grant
from rollback_drills.followup.exceptions.exception_requests import DeclineRecord, FoundRequest
from rollback_drills.names import ids
from rollback_drills.names.people import is_same_caller


def approve(found: FoundRequest, by: str, current_cycle_id: str, *, remark: str = "", now: datetime) -> Grant:
    """Return the exception that an approval grants.

    Args:
        found: The request.
        by: Who approves it.
        current_cycle_id: The cycle that the documents have now.
        remark: What they add to the reason of the request.
        now: When it is approved.

    Raises:
        UsageError: It cannot be decided any more, its cycle is over, its requester approves it, or the remark
            holds what evidence must not.
    """
    request = found.request
    check_decidable(found, by, now=now)
    check_texts(reason=remark)
    if is_same_caller(by, request.requested_by):
        raise UsageError(
            f"is {show(by)}, and {show(request.requested_by)} requested it; somebody else must approve it",
            field="decided_by",
        )
    if found.is_cycle_over or request.cycle_id != current_cycle_id:
        raise UsageError(
            f"the cycle of {request.request_id} is over; request an exception for the current cycle of"
            f" {request.schedule_id} if it needs one"
        )
    return Grant(
        request.kind,
        request.until,
        request.reason,
        by,
        request.requested_by,
        request.request_id,
        remark.strip(),
    )


def record_decline(
    found: FoundRequest, by: str, reason: str, *, now: datetime, created_at: datetime
) -> DeclineRecord:
    """Write down that a request was declined, or that its requester withdrew it.

    Raises:
        UsageError: It cannot be decided any more, nobody or no reason is named, or a text holds what evidence
            must not.
    """
    check_decidable(found, by, now=now)
    if not reason.strip():
        raise UsageError("is empty; say why it is declined", field="reason")
    check_texts(reason=reason)
    request = found.request
    return DeclineRecord(
        session_id=ids.delivery_session_id(request.schedule_id, request.request_id),
        created_at=write_instant(created_at),
        signer=by,
        schedule_id=request.schedule_id,
        cycle_id=request.cycle_id,
        request_id=request.request_id,
        exception=request.kind,
        requested_by=request.requested_by,
        declined_by=by,
        declined_at=write_instant(now),
        reason=reason,
    )


def check_decidable(found: FoundRequest, by: str, *, now: datetime) -> None:
    """Ensure that somebody may still decide a request.

    Raises:
        UsageError: It is decided or expired, or nobody is named whom the evidence can name.
    """
    if not by.strip():
        raise UsageError("is empty; say who decides", field="decided_by")
    check_texts(decided_by=by)
    name, decision = found.request.request_id, found.decision
    if decision:
        done = "approved" if decision.is_approved else "declined"
        raise UsageError(f"{name} was {done} by {decision.by} at {write_instant(decision.at)}")
    if now >= found.request.open_until:
        raise UsageError(
            f"{name} expired at {write_instant(found.request.open_until)}, and nobody had decided it;"
            " request it again"
        )
