"""What waits for delivery, and the dead letters: since when, how it goes on, and why."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.console.source import Console
from rollback_drills.database.connections import Database
from rollback_drills.delivery.undelivered_text import explain_damaged
from rollback_drills.documents.utc import from_seconds
from rollback_drills.notifications.states import DEAD, WAITING, State
from rollback_drills.outbox.dead_letters import find_mattering
from rollback_drills.outbox.destinations import Destination, KnownDestinations, find_destinations
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.outbox.undelivered import find_damaged
from rollback_drills.rendering.command_line import write_command
from rollback_drills.reports.notifying_runs import find_notifying_runs

MOST_SHOWN: Final = 200
"""How many notifications stand in each list, the newest first."""


@dataclass(frozen=True, slots=True)
class UndeliveredNotification:
    """One notification that has not reached its owner."""

    row: OutboxRow
    destination: Destination
    is_pressing: bool
    """Whether it still matters: its cycle is open, and its owner was not notified later."""
    flow_run_id: str
    """The run that tried last; empty if none has, or its outcome is not in the evidence yet."""
    has_page: bool
    """Whether its schedule has a page."""

    @property
    def since(self) -> datetime:
        """When it was committed."""
        return from_seconds(self.row.planned_at)

    @property
    def tried_at(self) -> datetime | None:
        """When the last attempt ended; None if there was none."""
        at = self.row.completed_at
        return None if at is None else from_seconds(at)

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it may be tried again; None if that is not known."""
        at = self.destination.find_next_attempt(self.row.due_at)
        return None if at is None else from_seconds(at)

    @property
    def is_sending(self) -> bool:
        """Whether a run sends it at this moment."""
        return self.row.state is State.SENDING

    @property
    def command(self) -> str:
        """The command that sends it again."""
        return write_command(
            "outbox", "replay", self.row.notification_id, by="YOUR-NAME", reason="WHAT-WAS-FIXED"
        )


@dataclass(frozen=True, slots=True)
class UndeliveredView:
    """The page of what has not reached its owner."""

    at: datetime
    waiting: Sequence[UndeliveredNotification]
    """The newest; at most `MOST_SHOWN`."""
    waiting_count: int
    dead: Sequence[UndeliveredNotification]
    """Those that still matter first, then the newest; at most `MOST_SHOWN`."""
    dead_count: int
    disabled: Sequence[Destination]
    """Connectors that send nothing until they are enabled."""
    damaged: Sequence[str] = ()
    """What to say of rows that cannot be read."""
    waiting_states: Sequence[State] = WAITING
    """By which a command lists what waits."""

    @property
    def dead_by_provider(self) -> Mapping[str, int]:
        """How many of the dead letters that are shown, and matter, belong to each provider."""
        return Counter(each.row.provider for each in self.dead if each.is_pressing)


def read_undelivered(console: Console) -> UndeliveredView:
    """Read what waits and what died.

    Raises:
        DatabaseError: The outbox cannot be read.
    """
    database = console.evidence()
    waiting, waiting_count = find_rows(database, OutboxFilter((*WAITING, State.SENDING)), limit=MOST_SHOWN)
    dead, dead_count = find_rows(database, OutboxFilter(DEAD), limit=MOST_SHOWN)
    destinations = KnownDestinations(find_destinations(database))
    pressing = find_mattering(database, [each.notification_id for each in dead])
    runs = _find_runs(database, {each.cycle_id for each in (*waiting, *dead)})

    def describe(row: OutboxRow, *, is_pressing: bool) -> UndeliveredNotification:
        return UndeliveredNotification(
            row,
            destinations.of(row.provider),
            is_pressing,
            runs.get(row.notification_id, ""),
            row.schedule_id in console.by_id,
        )

    dead_ones = [describe(each, is_pressing=each.notification_id in pressing) for each in dead]
    return UndeliveredView(
        console.at,
        [describe(each, is_pressing=True) for each in waiting],
        waiting_count,
        sorted(dead_ones, key=lambda each: not each.is_pressing),
        dead_count,
        [each for each in destinations if each.disabled_at is not None],
        [*explain_damaged(find_damaged(database))],
    )


def _find_runs(database: Database, cycle_ids: Collection[str]) -> Mapping[str, str]:
    with database.read() as connection:
        return find_notifying_runs(connection, cycle_ids)
