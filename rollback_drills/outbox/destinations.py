"""What is known of the places to which providers deliver: the pauses they want, and which are dead."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

import msgspec
from sqlalchemy import Connection, exists, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.tables import DESTINATIONS, OUTBOX
from rollback_drills.documents.utc import from_seconds
from rollback_drills.names.keys import is_same, name_key
from rollback_drills.names.spellings import find_spellings, find_spellings_by_index, walk
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.outbox.dead_letters import SUBJECT_PREFIX, WORTH_SENDING
from rollback_drills.outbox.insertion import insert_new
from rollback_drills.outbox.rows import OutboxRow, Seconds, decode_rows
from rollback_drills.outbox.withdrawals import withdraw_notices
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.times import write_time

_logger = logging.getLogger(__name__)


class Destination(msgspec.Struct, frozen=True, gc=False):
    """What is known of the place to which a provider delivers."""

    provider: str
    cool_until: Seconds = 0.0
    disabled_at: Seconds | None = None
    disabled_because: str = ""

    def takes(self, now: float) -> bool:
        """Whether something may be sent there at an instant."""
        return self.disabled_at is None and self.cool_until <= now

    def find_next_attempt(self, due_at: float | None) -> float | None:
        """Return when what is due at an instant can be tried; None if nothing is sent there any more."""
        if due_at is None or self.disabled_at is not None:
            return None
        return max(due_at, self.cool_until)


class KnownDestinations:
    """What is known of several destinations, under any spelling of their providers."""

    def __init__(self, known: Iterable[Destination]) -> None:
        """Keep these, of which no two have the same provider."""
        self._by_key = {name_key(each.provider): each for each in known}

    def __iter__(self) -> Iterator[Destination]:
        """Yield each."""
        return iter(self._by_key.values())

    def of(self, provider: str) -> Destination:
        """Return what is known of a destination; one that never paused or died takes everything."""
        return self._by_key.get(name_key(provider)) or Destination(provider)


def find_destination(connection: Connection, provider: str) -> Destination:
    """Return what is known of a destination, under any spelling of the provider."""
    known = [each for each in _read_destinations(connection) if is_same(each.provider, provider)]
    return _merge(known) if known else Destination(provider)


def find_destinations(database: Database) -> list[Destination]:
    """Return every destination that has ever paused or died, by provider."""
    with database.read() as connection:
        return read_destinations(connection)


def read_destinations(connection: Connection) -> list[Destination]:
    """Return the same within a transaction."""
    by_name: dict[str, list[Destination]] = {}
    for each in _read_destinations(connection):
        by_name.setdefault(name_key(each.provider), []).append(each)
    return [_merge(some) for some in by_name.values()]


def find_disabled(database: Database) -> list[Destination]:
    """Return every destination to which nothing is sent any more, by provider."""
    with database.read() as connection:
        return read_disabled(connection)


def read_disabled(connection: Connection) -> list[Destination]:
    """Return the same within a transaction."""
    return [each for each in read_destinations(connection) if each.disabled_at is not None]


def list_providers(connection: Connection) -> list[str]:
    """Return every provider of the outbox, in each of its spellings."""
    return list(walk(connection, OUTBOX.c.provider))


_all = select(DESTINATIONS).order_by(DESTINATIONS.c.provider)


def _read_destinations(connection: Connection) -> Iterator[Destination]:
    """Read the rows; one that cannot be read is left out, and messages are sent as if it were not there."""
    for row in connection.execute(_all):
        try:
            yield msgspec.convert(row, Destination, from_attributes=True)
        except msgspec.ValidationError as error:
            _logger.warning(
                "the row of the connector %s in the table destinations cannot be read (%s), and is left out;"
                " delete it from the table, or restore a backup",
                row.provider,
                error,
            )


def _merge(same: Sequence[Destination]) -> Destination:
    """Return the longest pause and the first death of the spellings of one destination."""
    dead = min(
        (each for each in same if each.disabled_at is not None),
        key=attrgetter("disabled_at"),
        default=same[0],
    )
    return msgspec.structs.replace(dead, cool_until=max(each.cool_until for each in same))


def note_pause_or_death(
    database: Database,
    connection: Connection,
    provider: str,
    *,
    cool_until: float | None,
    disabled_at: float | None,
    because: str,
) -> None:
    """Write down that a destination wants a pause, or is dead; the first death and the longest pause stay."""
    connection.execute(insert_new(database, DESTINATIONS.c.provider), {"provider": provider})
    statement = update(DESTINATIONS).where(DESTINATIONS.c.provider == provider)
    if cool_until is not None:
        longer = statement.where(DESTINATIONS.c.cool_until < cool_until)
        connection.execute(longer.values(cool_until=cool_until))
    if disabled_at is not None:
        alive = statement.where(DESTINATIONS.c.disabled_at.is_(None))
        connection.execute(alive.values(disabled_at=disabled_at, disabled_because=because))


def explain_disabled(destination: Destination) -> str:
    """Return why nothing is sent to a destination, and what to do about it."""
    return (
        f"the connector is disabled ({destination.disabled_because}); fix it, then run:"
        f" {write_enable_command(destination.provider)}"
    )


def write_enable_command(provider: str) -> str:
    """Return the command that enables a connector, with the name and the reason to fill in."""
    return write_command("connectors", "enable", provider, by="YOU", reason="WHY")


def explain_hold(destination: Destination, *, now: float) -> str:
    """Return why nothing is sent to a destination now, and until when; empty if it is sent."""
    if destination.disabled_at is not None:
        return f"{destination.provider}: {explain_disabled(destination)}"
    if destination.takes(now):
        return ""
    until = write_time(from_seconds(destination.cool_until))
    return f"{destination.provider} is paused: nothing is sent there before {until}"


def disable_row(
    database: Database, connection: Connection, provider: str, *, now: float, because: str
) -> Destination:
    """Send nothing through a connector any more; return what is known of it then."""
    note_pause_or_death(database, connection, provider, cool_until=None, disabled_at=now, because=because)
    return find_destination(connection, provider)


def enable_rows(
    connection: Connection, provider: str, *, now: float, with_dead_letters: bool = True
) -> list[OutboxRow] | None:
    """Use a connector again that was disabled, and make its dead letters due.

    Those that matter no more, or that a newer one repeats, are not sent again. A message that it is disabled
    is withdrawn, unless it was sent.

    Args:
        connection: In a transaction that writes.
        provider: The connector, in any spelling.
        now: When the dead letters are due.
        with_dead_letters: Whether they become due; else each of them stays until it is replayed.

    Returns:
        The notifications that are due again, as they were before; None if the connector was not disabled.
    """
    before = find_destination(connection, provider)
    destinations = find_spellings(connection, DESTINATIONS.c.provider, [provider])
    providers = find_spellings_by_index(connection, OUTBOX.c.provider, [provider])
    enabled = connection.execute(
        update(DESTINATIONS)
        .where(DESTINATIONS.c.provider.in_(destinations), DESTINATIONS.c.disabled_at.is_not(None))
        .values(disabled_at=None, disabled_because="", cool_until=0.0)
    )
    if not enabled.rowcount:
        return None
    _forget_why_waiting(connection, providers, before)
    withdraw_notices(connection, f"{SUBJECT_PREFIX}{before.provider}")
    if not with_dead_letters:
        return []
    dead = OUTBOX.c.provider.in_(providers), OUTBOX.c.state == State.DISABLED
    settled = update(OUTBOX).where(*dead, ~WORTH_SENDING).values(state=State.SUPERSEDED)
    connection.execute(settled)
    rows = connection.execute(select(OUTBOX).where(*dead).order_by(OUTBOX.c.sequence).with_for_update())
    again = [*decode_rows(rows)]
    connection.execute(update(OUTBOX).where(*dead).values(state=State.RETRY, due_at=now, queued_at=now))
    return again


def _forget_why_waiting(connection: Connection, providers: Sequence[str], before: Destination) -> None:
    """Let nothing that waits say any more that its connector is disabled."""
    waiting = update(OUTBOX).where(
        OUTBOX.c.provider.in_(providers),
        OUTBOX.c.state.in_(WAITING),
        OUTBOX.c.detail == explain_disabled(before),
    )
    was_tried = OUTBOX.c.attempt_count > 0
    connection.execute(waiting.where(was_tried).values(detail="the connector was disabled"))
    connection.execute(waiting.where(~was_tried).values(detail=""))


def end_pause(connection: Connection, provider: str) -> None:
    """Let the next attempt be made at once.

    A pause that the provider asked for is kept: then a message that was answered is due when the pause ends.
    """
    destinations = find_spellings(connection, DESTINATIONS.c.provider, [provider])
    providers = find_spellings_by_index(connection, OUTBOX.c.provider, [provider])
    asked = exists(
        select(OUTBOX.c.sequence).where(
            OUTBOX.c.provider.in_(providers),
            OUTBOX.c.state.in_(WAITING),
            OUTBOX.c.status_code.is_not(None),
            OUTBOX.c.due_at == DESTINATIONS.c.cool_until,
        )
    )
    own = update(DESTINATIONS).where(DESTINATIONS.c.provider.in_(destinations), ~asked)
    connection.execute(own.values(cool_until=0.0))


@repeat_on_conflict
def note_why_waiting(database: Database, provider: str, detail: str) -> None:
    """Write down why nothing is sent to a provider for now, at everything that waits for it."""
    with database.write() as connection:
        spellings = find_spellings_by_index(connection, OUTBOX.c.provider, [provider])
        waiting = update(OUTBOX).where(
            OUTBOX.c.provider.in_(spellings), OUTBOX.c.state.in_(WAITING), OUTBOX.c.detail != detail
        )
        connection.execute(waiting.values(detail=detail, is_indexed=False))
