"""Makes due what a clock that was ahead has put off: else it would wait until that time is reached."""

from typing import Final

from sqlalchemy import ColumnElement, case, or_, select, update

from rollback_drills.database.connections import Database, repeat_on_conflict
from rollback_drills.database.tables import DESTINATIONS, OUTBOX
from rollback_drills.notifications.states import WAITING
from rollback_drills.outbox.destinations import list_providers
from rollback_drills.readiness.acceptance import CLOCK_SKEW

_SKEW_SECONDS: Final = CLOCK_SKEW.total_seconds()


@repeat_on_conflict
def bring_forward(database: Database, *, now: float) -> int:
    """Make messages due now that a clock put off which was ahead; return how many notifications that are.

    A message was committed, and last tried, in the past. If the row puts one of both into the future, a clock
    was ahead. Then the next attempt is as far ahead, and so is the pause of the destination.

    Raises:
        DatabaseError: The database cannot be used; nothing was changed.
    """
    with database.read() as connection:
        put_off = {
            provider: wanted
            for provider in list_providers(connection)
            if connection.scalar(
                select(OUTBOX.c.sequence).where(wanted := _is_put_off(provider, now)).limit(1)
            )
        }
    if not put_off:
        return 0
    count = 0
    with database.write() as connection:
        for provider, wanted in put_off.items():
            queued_at = case((OUTBOX.c.queued_at > now, now), else_=OUTBOX.c.queued_at)
            due = update(OUTBOX).where(wanted).values(due_at=now, queued_at=queued_at, started_at=None)
            count += connection.execute(due).rowcount
            pause = update(DESTINATIONS).where(DESTINATIONS.c.provider == provider)
            connection.execute(
                pause.where(DESTINATIONS.c.cool_until > now + _SKEW_SECONDS).values(cool_until=now)
            )
    return count


def _is_put_off(provider: str, now: float) -> ColumnElement[bool]:
    latest = now + _SKEW_SECONDS
    is_of_future = or_(OUTBOX.c.queued_at > latest, OUTBOX.c.completed_at > latest)
    is_waiting = OUTBOX.c.state.in_(WAITING)
    return (OUTBOX.c.provider == provider) & (OUTBOX.c.due_at > latest) & is_waiting & is_of_future
