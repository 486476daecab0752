"""Reads from a row of the outbox what became of its notification, for results and for the evidence."""

import json
from typing import Final

from rollback_drills.documents.utc import from_seconds
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.outbox.rows import UNREADABLE, UNREADABLE_TEXT, OutboxRow, read_notification

NOT_TRIED: Final = "waits for its first attempt"
_UNKNOWN: Final = from_seconds(0)
_OUTCOMES = {
    State.DELIVERED: Outcome.DELIVERED,
    State.ACCEPTED: Outcome.ACCEPTED,
    State.AMBIGUOUS: Outcome.AMBIGUOUS,
    State.PERMANENT: Outcome.PERMANENT,
    State.DISABLED: Outcome.DISABLED,
}


def to_delivery(item: OutboxRow) -> Delivery:
    """Return what became of a notification so far."""
    outcome = _OUTCOMES.get(item.state, Outcome.RETRY)
    request = RequestSummary(*json.loads(item.request)) if item.request else None
    detail = item.detail or NOT_TRIED
    if item.state is State.SENDING:
        detail = "another run is sending it, or was killed while it did"
    verdict = Verdict(outcome, detail, item.status_code, None, item.external_ref, request)
    return Delivery(
        read_notification(item.notification),
        verdict,
        item.attempt_count,
        from_seconds(item.started_at or item.queued_at),
        from_seconds(item.completed_at or item.queued_at),
        item.state,
        from_seconds(item.due_at) if item.state in WAITING and item.due_at and item.attempt_count else None,
    )


def describe_delivery(item: OutboxRow) -> Delivery:
    """Return what became of a notification so far, also of one whose text somebody changed."""
    try:
        return to_delivery(item)
    except (*UNREADABLE_TEXT, LookupError, OverflowError, OSError):
        outcome = _OUTCOMES.get(item.state, Outcome.RETRY)
        return Delivery(
            _stand_in(item), Verdict(outcome, UNREADABLE), item.attempt_count, _UNKNOWN, _UNKNOWN, item.state
        )


def _stand_in(item: OutboxRow) -> Notification:
    """Return a notification of which only what has columns of its own is known."""
    return Notification(
        *(item.notification_id, item.provider, item.owner),
        alert_level="critical",
        title="",
        summary="",
        facts=(),
        acknowledge="",
        schedule_id=item.schedule_id,
        cycle_id=item.cycle_id,
        plan_id="",
        event={},
        reason=item.reason,
        route_key=item.route_key,
    )
