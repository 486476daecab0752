"""Refuses replays and decisions that cannot be: of what is over, delivered or replaced."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.outbox.replay import REPLAYABLE
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.recovery.found_replays import FoundReplay, ReplayState
from rollback_drills.recovery.recorded_act import read_rows

NOT_REPLAYABLE: Final = (
    "none of these notifications can be replayed: they are delivered, replaced or not in the outbox"
)


def check_undecided(found: FoundReplay, *, now: datetime) -> None:
    """Ensure that a request still waits for its approval.

    Raises:
        UsageError: It was approved or executed, or its time is over.
    """
    check_open(found, now=now)
    if found.approved_by:
        raise UsageError(f"{found.request.replay_id} was approved by {found.approved_by} already")


def check_open(found: FoundReplay, *, now: datetime) -> None:
    """Ensure that a request can still be executed.

    Raises:
        UsageError: It was executed, or its time is over.
    """
    replay_id, state = found.request.replay_id, found.state_at(now)
    if state is ReplayState.EXECUTED:
        raise UsageError(f"{replay_id} was executed by {found.executed_by} already; request another replay")
    if state is ReplayState.EXPIRED:
        raise UsageError(f"{replay_id} expired at {found.request.open_until}; request another replay")


def is_replayable(row: OutboxRow) -> bool:
    """Whether a notification can be made due again."""
    return row.state in REPLAYABLE and bool(row.notification)


def check_replayable(database: Database, notification_ids: Sequence[str]) -> None:
    """Ensure that at least one of these notifications can be replayed.

    Raises:
        UsageError: None of them can.
    """
    with database.read() as connection:
        if not any(map(is_replayable, read_rows(connection, notification_ids))):
            raise UsageError(NOT_REPLAYABLE)
