"""Which dead letters still matter, because their owner was not notified, and which of them are sent again."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import ColumnElement, exists, or_, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import NOTIFIED, State

SUBJECT_PREFIX: Final = "connector:"
"""Before the name of a connector: what stands in place of a schedule in a notice of its death."""


def _has_later(states: Collection[State]) -> ColumnElement[bool]:
    """Return the condition that a later notification of the same route is in one of these states."""
    later = OUTBOX.alias()
    return exists(
        select(later.c.sequence).where(
            later.c.route_key == OUTBOX.c.route_key,
            later.c.sequence > OUTBOX.c.sequence,
            later.c.state.in_(states),
        )
    )


_MATTERS: Final = ~_has_later(NOTIFIED) & or_(
    OUTBOX.c.is_closed.is_(False),
    OUTBOX.c.reason == Reason.RESOLVED,
    OUTBOX.c.schedule_id.startswith(SUBJECT_PREFIX, autoescape=True),
)
"""Whether the route of a dead letter is open, and nothing was taken on it later.

What closes a route matters although its route is closed: the owner does not know that all is well. So does
the notice of a dead connector, which belongs to no cycle.
"""
WORTH_SENDING: Final = _MATTERS & ~_has_later(set(State) - {State.SUPERSEDED, State.DISCARDED})
"""Whether a dead letter that matters is the newest of its route: the others would say the same once more."""


def find_mattering(database: Database, notification_ids: Sequence[str]) -> set[str]:
    """Find the dead letters among these notifications that still matter."""
    return _find(database, notification_ids, _MATTERS)


def find_worth_sending(database: Database, notification_ids: Sequence[str]) -> set[str]:
    """Find the dead letters among these notifications that somebody should still get."""
    return _find(database, notification_ids, WORTH_SENDING)


def _find(database: Database, notification_ids: Sequence[str], wanted: ColumnElement[bool]) -> set[str]:
    if not notification_ids:
        return set()
    some = one_of(OUTBOX.c.notification_id, notification_ids)
    with database.read() as connection:
        return set(connection.scalars(select(OUTBOX.c.notification_id).where(some, wanted)))
