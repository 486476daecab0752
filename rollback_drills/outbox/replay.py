"""Makes notifications due again that were not delivered, or discards them, because a person asks for it."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, or_, select, update

from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX
from rollback_drills.notifications.states import UNCERTAIN, State
from rollback_drills.outbox.digests import dissolve_digests
from rollback_drills.outbox.rows import OutboxRow, decode_rows

REPLAYABLE = (State.PERMANENT, State.DISABLED, State.DISCARDED, State.RETRY, State.AMBIGUOUS)
"""What a person can make due again."""
_DISCARDABLE = (State.PENDING, State.RETRY, State.AMBIGUOUS, State.PERMANENT, State.DISABLED)
_MAY_HAVE_ARRIVED = or_(OUTBOX.c.may_repeat, OUTBOX.c.state.in_(UNCERTAIN), OUTBOX.c.unanswered_count > 0)


def replay_rows(connection: Connection, notification_ids: Sequence[str], *, now: float) -> list[OutboxRow]:
    """Make notifications due again that are dead, discarded or waiting; return them as they were before.

    One that may have arrived before says so when it is sent again.
    """
    values = {
        "state": State.RETRY,
        "due_at": now,
        "queued_at": now,
        "unanswered_count": 0,
        "may_repeat": _MAY_HAVE_ARRIVED,
    }
    return _change(connection, notification_ids, REPLAYABLE, values)


def discard_rows(connection: Connection, notification_ids: Sequence[str]) -> list[OutboxRow]:
    """Take notifications out that were not delivered; return them as they were before."""
    values = {
        "state": State.DISCARDED,
        "due_at": None,
        "is_indexed": False,
        "may_repeat": _MAY_HAVE_ARRIVED,
    }
    return _change(connection, notification_ids, _DISCARDABLE, values)


def _change(
    connection: Connection,
    notification_ids: Sequence[str],
    allowed: Sequence[State],
    values: Mapping[str, object],
) -> list[OutboxRow]:
    some = one_of(OUTBOX.c.notification_id, notification_ids)
    wanted = some, OUTBOX.c.state.in_(allowed), OUTBOX.c.notification != ""
    rows = connection.execute(select(OUTBOX).where(*wanted).order_by(OUTBOX.c.sequence).with_for_update())
    found = [*decode_rows(rows)]
    if found:
        dissolve_digests(connection, [each.notification_id for each in found])
        connection.execute(update(OUTBOX).where(*wanted).values(**values))
    return found
