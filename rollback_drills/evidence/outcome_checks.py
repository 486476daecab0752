"""Judges rows of the outbox before the evidence takes them: what cannot have happened is not signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from rollback_drills.documents.utc import from_seconds, write_instant
from rollback_drills.names.ids import is_route_of_path
from rollback_drills.names.keys import is_same
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import NOTIFIED
from rollback_drills.outbox.deliveries import to_delivery
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.readiness.acceptance import CLOCK_SKEW
from rollback_drills.rendering.counts import write_count

_QUEUE_TOLERANCE: Final = timedelta(hours=1)
"""Of the host that queued a notification and the host that sends it, both only before the evidence."""
_SAME: Final = ("notification_id", "cycle_id", "schedule_id", "provider", "owner")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the outbox: what became of a notification, or why that cannot be."""

    sequence: int
    notification_id: str
    delivery: Delivery | None
    problem: str = ""


def read_outcome(row: Any, *, created_at: datetime) -> Outcome:
    """Read a row of the outbox, valid or not.

    Args:
        row: All columns of it.
        created_at: The clock of the evidence.
    """
    try:
        item = OutboxRow.from_row(row)
        delivery = to_delivery(item)
        problem = next(_find_problems(item, delivery, created_at), "")
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, OverflowError, OSError) as error:
        delivery, problem = None, f"it cannot be read ({error})"
    return Outcome(row.sequence, str(row.notification_id), None if problem else delivery, problem)


def _find_problems(item: OutboxRow, delivery: Delivery, created_at: datetime) -> Iterator[str]:
    started_at, completed_at = delivery.started_at, delivery.completed_at
    queued_at = from_seconds(item.queued_at)
    if completed_at > created_at + CLOCK_SKEW:
        yield f"its attempt was completed at {write_instant(completed_at)}, which is in the future"
    if started_at > completed_at + CLOCK_SKEW:
        yield (
            f"its attempt began at {write_instant(started_at)} and was completed before, at"
            f" {write_instant(completed_at)}"
        )
    if item.state in NOTIFIED and completed_at < queued_at - _QUEUE_TOLERANCE:
        yield f"it was delivered at {write_instant(completed_at)}, before it was queued"
    for name in _SAME:
        if not is_same(getattr(item, name), getattr(delivery.notification, name)):
            if name == "schedule_id" and _closes_path(item):
                continue
            yield f"its column {name} is not that of its text"
    if item.attempt_count < 0 or (item.completed_at is not None and item.attempt_count == 0):
        yield f"it has {write_count(item.attempt_count, 'attempt')} and an outcome"


def _closes_path(item: OutboxRow) -> bool:
    """Whether it ends the cycle of a path, so that its text may say the id that the document has now."""
    return item.reason == Reason.RESOLVED and is_route_of_path(
        item.route_key, item.schedule_id, item.cycle_due, item.provider, item.owner
    )
