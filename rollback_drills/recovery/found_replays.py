"""Reads requests for replays from the evidence, with what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import read_if_readable
from rollback_drills.evidence.outages.acts import ExecutionRecord
from rollback_drills.evidence.record_kinds import (
    REPLAY_APPROVAL_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
)
from rollback_drills.recovery.replay_records import ApprovalRecord, RequestRecord

_KINDS: Final = (REPLAY_REQUEST_KIND, REPLAY_APPROVAL_KIND, REPLAY_EXECUTION_KIND, REPLAY_REFUSAL_KIND)


class ReplayState(StrEnum):
    """What became of a request."""

    REQUESTED = "requested"
    APPROVED = "approved"
    EXECUTED = "executed"
    EXPIRED = "expired"


@dataclass(slots=True)
class FoundReplay:
    """A request, and what followed it."""

    request: RequestRecord
    approved_by: str = ""
    executed_by: str = ""
    refusal_count: int = 0

    def state_at(self, now: datetime) -> ReplayState:
        """Return what became of it."""
        if self.executed_by:
            return ReplayState.EXECUTED
        if now >= self.request.until:
            return ReplayState.EXPIRED
        return ReplayState.APPROVED if self.approved_by else ReplayState.REQUESTED


def find_replays(connection: Connection, replay_id: str | None = None) -> list[FoundReplay]:
    """Return the requests for replays, the newest first; of one id if it is given.

    A request that was executed by a row that cannot be read is left out, so that nobody executes it again.
    """
    rows = select(LEDGER.c.metadata_kind, LEDGER.c.session_id, LEDGER.c.leaf_index, LEDGER.c.record)
    wanted = rows.where(LEDGER.c.metadata_kind.in_(_KINDS)).order_by(LEDGER.c.leaf_index)
    if replay_id is not None:
        wanted = wanted.where(LEDGER.c.session_id == replay_id)
    found: dict[str, FoundReplay] = {}
    for row in connection.execute(wanted):
        if row.metadata_kind == REPLAY_REQUEST_KIND:
            if request := read_if_readable(row.leaf_index, row.record, RequestRecord):
                found[row.session_id] = FoundReplay(request)
        elif known := found.get(row.session_id):
            if row.metadata_kind == REPLAY_REFUSAL_KIND:
                known.refusal_count += 1
            elif row.metadata_kind == REPLAY_APPROVAL_KIND:
                if approval := read_if_readable(row.leaf_index, row.record, ApprovalRecord):
                    known.approved_by = approval.approved_by
            elif execution := read_if_readable(row.leaf_index, row.record, ExecutionRecord):
                known.executed_by = execution.replayed_by
            else:
                del found[row.session_id]
    return [*reversed(found.values())]


def get_replay(connection: Connection, replay_id: str) -> FoundReplay:
    """Return one request.

    Raises:
        UsageError: There is none of this id.
    """
    found = find_replays(connection, replay_id)
    if not found:
        raise UsageError(
            f"is {show(replay_id)}, which the evidence does not have; `drills outbox requests` shows the ids",
            field="replay_id",
        )
    return found[0]


class ReplayReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A request for a replay, as commands, API and console have it."""

    replay_id: str
    state: ReplayState
    providers: Sequence[str]
    notification_ids: Sequence[str]
    reason: str
    requested_by: str
    requested_at: str
    open_until: str
    approved_by: str | None
    executed_by: str | None
    refusal_count: int


def list_replays(database: Database, *, now: datetime) -> list[ReplayReport]:
    """Return all requests for replays, the newest first.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    with database.read() as connection:
        found = find_replays(connection)
    return [
        ReplayReport(
            replay_id=each.request.replay_id,
            state=each.state_at(now),
            providers=each.request.providers,
            notification_ids=each.request.ids,
            reason=each.request.reason,
            requested_by=each.request.requested_by,
            requested_at=each.request.requested_at,
            open_until=each.request.open_until,
            approved_by=each.approved_by or None,
            executed_by=each.executed_by or None,
            refusal_count=each.refusal_count,
        )
        for each in found
    ]
