"""Makes due what a clock that was ahead has put off: else it would wait until that time is reached."""

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, case, or_, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.tables import DESTINATIONS, OUTBOX
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.outbox.destinations import list_providers
from rollback_drills.outbox.leases import LONGEST_LEASE_SECONDS
from rollback_drills.readiness.acceptance import CLOCK_SKEW

_SKEW_SECONDS: Final = CLOCK_SKEW.total_seconds()


@repeat_on_conflict
def bring_forward(database: Database, *, now: float) -> int:
    """Make messages due now that a clock put off which was ahead; return how many notifications that are.

    A message was committed, and last tried, in the past. If the row puts one of both into the future, a clock
    was ahead. Then the next attempt is as far ahead, and so is the pause of the destination. A lease that
    ends later than any lease can is shortened to the longest: its worker may live.

    Raises:
        DatabaseError: The database cannot be used; nothing was changed.
    """
    with database.read() as connection:
        providers = list_providers(connection)
        put_off = _find_affected(connection, providers, _is_put_off, now)
        held = _find_affected(connection, providers, _is_held_too_long, now)
    if not put_off and not held:
        return 0
    count = 0
    with database.write() as connection:
        for wanted in held.values():
            connection.execute(update(OUTBOX).where(wanted).values(due_at=now + LONGEST_LEASE_SECONDS))
        for provider, wanted in put_off.items():
            queued_at = case((OUTBOX.c.queued_at > now, now), else_=OUTBOX.c.queued_at)
            due = update(OUTBOX).where(wanted).values(due_at=now, queued_at=queued_at, started_at=None)
            count += connection.execute(due).rowcount
            pause = update(DESTINATIONS).where(DESTINATIONS.c.provider == provider)
            connection.execute(
                pause.where(DESTINATIONS.c.cool_until > now + _SKEW_SECONDS).values(cool_until=now)
            )
    return count


def _find_affected(
    connection: Connection,
    providers: Iterable[str],
    is_affected: Callable[[str, float], ColumnElement[bool]],
    now: float,
) -> dict[str, ColumnElement[bool]]:
    conditions = {each: is_affected(each, now) for each in providers}
    first = select(OUTBOX.c.sequence).limit(1)
    return {name: each for name, each in conditions.items() if connection.scalar(first.where(each))}


def _is_held_too_long(provider: str, now: float) -> ColumnElement[bool]:
    ends_too_late = OUTBOX.c.due_at > now + LONGEST_LEASE_SECONDS + _SKEW_SECONDS
    return (OUTBOX.c.provider == provider) & ends_too_late & (OUTBOX.c.state == State.SENDING)


def _is_put_off(provider: str, now: float) -> ColumnElement[bool]:
    latest = now + _SKEW_SECONDS
    is_of_future = or_(OUTBOX.c.queued_at > latest, OUTBOX.c.completed_at > latest)
    is_waiting = OUTBOX.c.state.in_(WAITING)
    return (OUTBOX.c.provider == provider) & (OUTBOX.c.due_at > latest) & is_waiting & is_of_future
