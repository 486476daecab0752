"""Finds what was committed and has not reached its owner: what waits, and the dead letters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX
from rollback_drills.documents.utc import from_seconds
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import find_spellings
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import DEAD, WAITING, State
from rollback_drills.outbox.dead_letters import SUBJECT_PREFIX, find_mattering
from rollback_drills.outbox.deliveries import describe_delivery
from rollback_drills.outbox.destinations import (
    KnownDestinations,
    find_destinations,
)
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills.outbox.rows import OutboxRow, decode_rows

_UNDELIVERED: Final = (*WAITING, State.SENDING, *DEAD)
_SETTLED: Final = [each for each in State if each not in _UNDELIVERED]
_IS_UNDELIVERED: Final = OUTBOX.c.state.not_in(_SETTLED)
"""Also of a row that somebody changed, whose state is none at all."""
_MOST_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What has not reached its owner, the newest first."""

    waiting: Sequence[Delivery] = ()
    """Tried again, or sent by another run at this moment."""
    dead: Sequence[OutboxRow] = ()
    """Dead letters whose owner was not notified later either."""
    other_dead: Sequence[OutboxRow] = ()
    """Dead letters that matter no more, or not to this run, which was asked for another provider."""
    elsewhere: Sequence[Delivery] = ()
    """What waits or died and still matters through providers that the run was not asked for."""
    damaged: Sequence[str] = ()
    """Notifications whose row cannot be read: nobody knows whether their owners were notified."""

    def without(self, notification_ids: Collection[str]) -> "Undelivered":
        """Return it without some that wait, because they should."""

        def leave_out(some: Sequence[Delivery]) -> list[Delivery]:
            return [each for each in some if each.notification.notification_id not in notification_ids]

        return replace(self, waiting=leave_out(self.waiting), elsewhere=leave_out(self.elsewhere))

    @property
    def deliveries(self) -> list[Delivery]:
        """What waits or died and still matters."""
        return [*self.waiting, *map(describe_delivery, self.dead)]

    @property
    def count(self) -> int:
        """How many notifications wait, died or cannot be read, and still matter."""
        return len(self.waiting) + len(self.dead) + len(self.damaged)


class _Found(NamedTuple):
    rows: Sequence[OutboxRow]
    """The newest first."""
    damaged: Sequence[str]


def find_undelivered(
    database: Database, schedule_ids: Collection[str] | None, providers: Collection[str] | None, *, now: float
) -> Undelivered:
    """Find what has not reached its owner.

    Args:
        database: Keeps the outbox.
        schedule_ids: Of which schedules; None: of all. Notices of dead connectors concern every run.
        providers: Through which providers; None: through all.
        now: The next attempt cannot be earlier.
    """
    destinations = KnownDestinations(find_destinations(database))
    return _sort_out(database, _find(database, schedule_ids, destinations), destinations, providers, now)


def find_still_undelivered(
    database: Database, notification_ids: Sequence[str], providers: Collection[str] | None, *, now: float
) -> Undelivered:
    """Find what has not reached its owner yet of notifications that had not reached theirs earlier."""
    destinations = KnownDestinations(find_destinations(database))
    found = _read(database, one_of(OUTBOX.c.notification_id, notification_ids))
    return _sort_out(database, found, destinations, providers, now)


def _sort_out(
    database: Database,
    found: _Found,
    destinations: KnownDestinations,
    providers: Collection[str] | None,
    now: float,
) -> Undelivered:
    dead = [item for item in found.rows if item.state in DEAD]
    mattering = find_mattering(database, [item.notification_id for item in dead])
    keys = None if providers is None else set(map(name_key, providers))
    wanted = [item for item in found.rows if keys is None or name_key(item.provider) in keys]
    others = [item for item in found.rows if keys is not None and name_key(item.provider) not in keys]
    pressing = [item for item in wanted if item.notification_id in mattering]
    return Undelivered(
        [_to_waiting(item, destinations, now) for item in wanted if item.state not in DEAD],
        pressing,
        [item for item in dead if item.sequence not in {each.sequence for each in pressing}],
        [
            *(_to_waiting(item, destinations, now) for item in others if item.state not in DEAD),
            *(describe_delivery(item) for item in others if item.notification_id in mattering),
        ],
        found.damaged,
    )


def find_damaged(database: Database) -> Sequence[str]:
    """Return notifications whose row cannot be read: nobody knows whether their owners were notified.

    Raises:
        DatabaseError: The outbox cannot be read.
    """
    return _read(database).damaged


def find_waiting(database: Database, provider: str, *, now: float) -> list[Delivery]:
    """Find what waits for a provider, of all schedules, with when it goes on; the newest first."""
    destinations = KnownDestinations(find_destinations(database))
    wanted = OutboxFilter(states=WAITING, provider=provider)
    items, _ = find_rows(database, wanted, limit=_MOST_WAITING)
    return [_to_waiting(item, destinations, now) for item in items]


def hurry_rows(connection: Connection, notification_ids: Sequence[str], *, now: float) -> int:
    """Make due at once what waits for a later attempt; return how many notifications that are."""
    waits = one_of(OUTBOX.c.notification_id, notification_ids) & OUTBOX.c.state.in_(WAITING)
    return connection.execute(update(OUTBOX).where(waits).values(due_at=now)).rowcount


def _find(
    database: Database, schedule_ids: Collection[str] | None, destinations: KnownDestinations
) -> _Found:
    if schedule_ids is None:
        return _read(database)
    notices = (f"{SUBJECT_PREFIX}{each.provider}" for each in destinations)
    with database.read() as connection:
        names = [*schedule_ids, *notices]
        ids = find_spellings(connection, OUTBOX.c.schedule_id, names, _IS_UNDELIVERED)
    return _read(database, one_of(OUTBOX.c.schedule_id, ids)) if ids else _Found([], [])


def _read(database: Database, *conditions: ColumnElement[bool]) -> _Found:
    """Return what is undelivered and meets the conditions."""
    damaged: list[str] = []
    with database.read() as connection:
        rows = connection.execute(select(OUTBOX).where(_IS_UNDELIVERED, *conditions))
        items = [*decode_rows(rows, damaged)]
    return _Found(sorted(items, key=lambda item: item.sequence, reverse=True), sorted(damaged))


def _to_waiting(item: OutboxRow, destinations: KnownDestinations, now: float) -> Delivery:
    """Return what waits and when it goes on; nothing goes to a destination that is dead or wants a pause."""
    at = destinations.of(item.provider).find_next_attempt(item.due_at or now)
    known = from_seconds(at) if at is not None and at > now else None
    return replace(describe_delivery(item), next_attempt_at=known)
