"""Which notifications go out together as one message."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.tables import OUTBOX
from rollback_drills.names.ids import NO_SCHEDULES
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import WAITING, State


@repeat_on_conflict
def release_strays(database: Database, provider: str) -> None:
    """Let a waiting notification be sent on its own if its message is missing: somebody changed its id."""
    first = OUTBOX.alias()
    is_led = (
        select(first.c.sequence)
        .where(
            first.c.notification_id == OUTBOX.c.message_id,
            first.c.message_id == first.c.notification_id,
            first.c.due_at.is_not(None),
        )
        .exists()
    )
    is_stray = OUTBOX.c.state.in_(WAITING) & (OUTBOX.c.notification_id != OUTBOX.c.message_id) & ~is_led
    with database.write() as connection:
        connection.execute(
            update(OUTBOX)
            .where(OUTBOX.c.provider == provider, OUTBOX.c.due_at.is_not(None), is_stray)
            .values(message_id=OUTBOX.c.notification_id)
        )


@repeat_on_conflict
def form_digests(database: Database, provider: str, most: int) -> None:
    """Put notifications that were never tried together, by owner and by opening or closing.

    A message takes over the id of its first notification, so that it stays the same over all attempts.
    """
    joined = select(OUTBOX.c.message_id).where(
        OUTBOX.c.provider == provider,
        OUTBOX.c.state.in_(WAITING),
        OUTBOX.c.notification_id != OUTBOX.c.message_id,
    )
    waiting = (
        select(OUTBOX.c.notification_id, OUTBOX.c.owner, OUTBOX.c.reason, OUTBOX.c.due_at)
        .where(
            OUTBOX.c.provider == provider,
            OUTBOX.c.state == State.PENDING,
            OUTBOX.c.notification_id == OUTBOX.c.message_id,
            OUTBOX.c.notification_id.not_in(joined),
            OUTBOX.c.attempt_count == 0,
            # they are about no schedules: a table of schedules would lose what they say
            *(~OUTBOX.c.schedule_id.startswith(each, autoescape=True) for each in NO_SCHEDULES),
        )
        .order_by(OUTBOX.c.sequence)
        .with_for_update(skip_locked=True)
    )
    with database.write() as connection:
        groups: dict[tuple[str, bool], list[Row[Any]]] = {}
        for row in connection.execute(waiting):
            groups.setdefault((row.owner, row.reason == Reason.RESOLVED), []).append(row)
        for rows in groups.values():
            for start in range(0, len(rows), most):
                _join(connection, rows[start : start + most])


def _join(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Make one message of some notifications; due together, since they are claimed together."""
    if len(rows) > 1:
        ids = [row.notification_id for row in rows]
        together = update(OUTBOX).where(OUTBOX.c.notification_id.in_(ids))
        connection.execute(together.values(message_id=ids[0], due_at=max(row.due_at for row in rows)))


def dissolve_digests(connection: Connection, notification_ids: Sequence[str]) -> None:
    """Make every notification of the digests that hold these a message of its own again."""
    digests = select(OUTBOX.c.message_id).where(OUTBOX.c.notification_id.in_(notification_ids))
    connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.message_id.in_(digests), OUTBOX.c.state != State.SENDING)
        .values(message_id=OUTBOX.c.notification_id)
    )
