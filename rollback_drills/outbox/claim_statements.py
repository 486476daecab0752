"""The statements that claim messages and record results, made once: that costs more than to run them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from rollback_drills.database.tables import OUTBOX
from rollback_drills.notifications.states import UNCERTAIN, WAITING, State

RECORD: Final = (
    update(OUTBOX)
    .where(
        OUTBOX.c.message_id == bindparam("its_message"),
        OUTBOX.c.claim == bindparam("its_claim"),
        OUTBOX.c.state == State.SENDING,
    )
    .values(is_indexed=False)
)
"""Its other columns are those of its parameters."""


def _taking(is_wanted: ColumnElement[bool], *, uncounted: int) -> ReturningUpdate[Any]:
    """Return the statement that claims messages that are due.

    The row that gives a message its id stands for all of them, so that two workers cannot split a digest.

    Args:
        is_wanted: In which state such a row is.
        uncounted: How many attempts at the message are not counted yet.
    """
    due = (
        select(OUTBOX.c.message_id)
        .where(
            OUTBOX.c.provider == bindparam("its_provider"),
            OUTBOX.c.due_at <= bindparam("now"),
            OUTBOX.c.notification_id == OUTBOX.c.message_id,
            is_wanted,
        )
        .order_by(OUTBOX.c.due_at, OUTBOX.c.sequence)
        .limit(bindparam("wanted"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(OUTBOX)
        .where(OUTBOX.c.message_id.in_(due.scalar_subquery()), OUTBOX.c.due_at <= bindparam("now"))
        .values(
            state=State.SENDING,
            due_at=bindparam("lease_ends"),
            claim=bindparam("new_claim"),
            may_repeat=or_(OUTBOX.c.may_repeat, OUTBOX.c.state.in_(UNCERTAIN)),
            attempt_count=OUTBOX.c.attempt_count + uncounted,
            unanswered_count=OUTBOX.c.unanswered_count + uncounted,
        )
        .returning(
            *(OUTBOX.c[name] for name in ("sequence", "message_id", "may_repeat", "queued_at", "route_key")),
            *(OUTBOX.c[name] for name in ("attempt_count", "unanswered_count", "notification", "reason")),
            *(OUTBOX.c[name] for name in ("started_at", "completed_at")),
        )
    )


TAKE: Final = _taking(OUTBOX.c.state != State.SENDING, uncounted=0)
TAKE_OVER: Final = _taking(
    (OUTBOX.c.state == State.SENDING) & OUTBOX.c.claim.not_in(bindparam("running")),
    uncounted=1,
)
"""Claims messages whose lease ran out: the attempt of the worker that held them counts."""
RELEASE: Final = (
    update(OUTBOX)
    .where(OUTBOX.c.message_id.in_(bindparam("claimed")), OUTBOX.c.state.in_(WAITING))
    .values(message_id=OUTBOX.c.notification_id)
)
"""Releases rows that joined the digest while it was being claimed: PostgreSQL shows them too late."""
