"""Outages of connectors, open and closed, and the replays that people asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.console.source import Console
from rollback_drills.evidence.outages.listing import OutageFilter, OutageReport, find_outages
from rollback_drills.recovery.found_replays import ReplayReport, ReplayState, list_replays
from rollback_drills.rendering.command_line import write_command

MOST_SHOWN: Final = 100
"""How many outages and requests are shown, the newest."""


@dataclass(frozen=True, slots=True)
class OutagesView:
    """The page of outages."""

    at: datetime
    outages: Sequence[OutageReport]
    """The open ones first, then the newest; at most `MOST_SHOWN`."""
    total: int
    open_count: int
    replays: Sequence[ReplayReport]
    """The newest requests for replays; at most `MOST_SHOWN`."""

    @property
    def waiting_count(self) -> int:
        """How many notifications wait for connectors with an open outage."""
        return sum(each.waiting_count + each.dead_letter_count for each in self.outages if each.is_open)

    @property
    def undecided_count(self) -> int:
        """How many requests for replays wait for an approval or their execution."""
        return sum(bool(find_command(each)) for each in self.replays)


def read_outages(console: Console) -> OutagesView:
    """Read the outages and the requests for replays.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    database = console.evidence()
    page = find_outages(database, OutageFilter(), now=console.at, limit=MOST_SHOWN)
    replays = list_replays(database, now=console.at)[:MOST_SHOWN]
    return OutagesView(console.at, page.items, page.total, page.open_count, replays)


def find_command(request: ReplayReport) -> str:
    """Return the command that comes next for a request; empty if it is over."""
    step = {ReplayState.REQUESTED: "approve-replay", ReplayState.APPROVED: "execute-replay"}
    name = step.get(request.state)
    return write_command("outbox", name, request.replay_id, by="YOUR-NAME") if name else ""
