"""What the ledger has of outages and replays that are not over."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.index import LedgerRow, iterate_records, read_if_readable
from rollback_drills.evidence.outages.acts import ExecutionRecord
from rollback_drills.evidence.record_kinds import (
    CLOSURE_KIND,
    OUTAGE_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_OUTCOME_KIND,
)
from rollback_drills.names.keys import is_same, name_key

_OVER: Final = {CLOSURE_KIND: OUTAGE_KIND, REPLAY_OUTCOME_KIND: REPLAY_EXECUTION_KIND}
"""By the kind of record that ends something, the kind that began it. Both have its id as their session."""
_KINDS: Final = (*_OVER, *_OVER.values())


class OpenOutage(LedgerRow, frozen=True, gc=False):
    """An outage that is not closed."""

    outage_id: str
    provider: str
    opened_at: datetime
    flow_run_id: str = ""
    """The run that wrote it down; empty if it was none."""


class _Closure(LedgerRow, frozen=True, gc=False):
    provider: str
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a later record ends."""

    outages: dict[str, OpenOutage] = field(default_factory=dict)
    """By the key of the connector's name."""
    replays: list[ExecutionRecord] = field(default_factory=list)


def find_last_end(connection: Connection, provider: str) -> float | None:
    """Return when the last outage of a connector ended, in seconds since 1970; None if it had none."""
    of_closures = LEDGER.c.metadata_kind == CLOSURE_KIND
    for closure in iterate_records(connection, _Closure, of_closures, newest_first=True):
        if is_same(closure.provider, provider):
            return closure.closed_at.timestamp()
    return None


def read_unfinished(connection: Connection) -> Unfinished:
    """Return what is not over; reads the records of outages and replays by the index of kinds alone."""
    rows = select(LEDGER.c.leaf_index, LEDGER.c.metadata_kind, LEDGER.c.session_id)
    rows = rows.where(LEDGER.c.metadata_kind.in_(_KINDS)).order_by(LEDGER.c.leaf_index)
    begun: dict[tuple[str, str], int] = {}
    for row in connection.execute(rows):
        if (kind := _OVER.get(row.metadata_kind)) is None:
            begun[row.metadata_kind, row.session_id] = row.leaf_index
        else:
            begun.pop((kind, row.session_id), None)
    found = Unfinished()
    for (kind, _), leaf_index in begun.items():
        text = connection.scalar(select(LEDGER.c.record).where(LEDGER.c.leaf_index == leaf_index)) or ""
        if kind == OUTAGE_KIND:
            if outage := read_if_readable(leaf_index, text, OpenOutage):
                found.outages[name_key(outage.provider)] = outage
        elif replay := read_if_readable(leaf_index, text, ExecutionRecord):
            found.replays.append(replay)
    return found
