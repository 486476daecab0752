"""Writes the closure of an outage: how long it lasted, what it kept back, and who did what about it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, select

from rollback_drills.database.connections import MOST_PARAMETERS
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.fields import tidy, write_instant
from rollback_drills.evidence.index import read
from rollback_drills.evidence.outages.acts import ActRecord, DiscardRecord, EnabledRecord, ExecutionRecord
from rollback_drills.evidence.outages.known import OpenOutage
from rollback_drills.evidence.outages.levels import ConnectorRows
from rollback_drills.evidence.records import (
    CLOSURE_KIND,
    ROUTE_DELIVERY_KIND,
    start_record,
)
from rollback_drills.names import ids
from rollback_drills.names.keys import is_same
from rollback_drills.names.spellings import find_spellings
from rollback_drills.notifications.states import DEAD, NOTIFIED, State
from rollback_drills.readiness.terms import Report

MOST_NAMED: Final = 500
"""So many notifications are named one by one; the counts are of all."""
_ACTS: Final[Mapping[str, tuple[str, type[ActRecord]]]] = {
    ExecutionRecord.kind(): ("replayed", ExecutionRecord),
    DiscardRecord.kind(): ("discarded", DiscardRecord),
    EnabledRecord.kind(): ("enabled", EnabledRecord),
}


def record_closure(
    connection: Connection,
    outage: OpenOutage,
    rows: ConnectorRows,
    closed_at: float,
    *,
    created_at: datetime,
    signer: str,
) -> Report:
    """Write down that an outage ends, with all that it was: the connector delivers again.

    Args:
        connection: Reads the ledger; has what the run has added.
        outage: The outage.
        rows: The notifications of the connector.
        closed_at: The first delivery since it began.
        created_at: The clock of the evidence.
        signer: Who runs.
    """
    return {
        **start_record(CLOSURE_KIND, outage.outage_id, created_at=created_at, signer=signer),
        "provider": outage.provider,
        "outage_id": outage.outage_id,
        "closure_id": ids.closure_id(outage.outage_id),
        "closure_state": "resolved",
        "opened_at": write_instant(outage.opened_at),
        "closed_at": write_instant(datetime.fromtimestamp(closed_at, UTC)),
        **describe_outage(connection, outage, rows, closed_at),
    }


def describe_outage(connection: Connection, outage: OpenOutage, rows: ConnectorRows, until: float) -> Report:
    """Describe an outage up to some time: how long, what waited, what people did, and which runs tried."""
    opened_at = outage.opened_at.timestamp()
    waited = rows.find_waited(opened_at, until)
    acts = list(_find_acts(connection, outage))
    return {
        "duration_seconds": tidy(round(until - opened_at, 3)),
        **_count(waited),
        "notifications": [
            {
                "notification_id": each.notification_id,
                "schedule_id": each.schedule_id,
                "owner": each.owner,
                "state": each.state,
                "attempt_count": each.attempt_count,
            }
            for each in waited[:MOST_NAMED]
        ],
        **{name: [act for kind, act in acts if kind == name] for name, _ in _ACTS.values()},
        "flow_run_ids": _find_runs(connection, outage),
    }


def _count(waited: Sequence[Row[Any]]) -> dict[str, int]:
    states = Counter(each.state for each in waited)
    delivered, dead = (sum(states[each] for each in some) for some in (NOTIFIED, DEAD))
    taken_out = {name: states[name] for name in (State.DISCARDED, State.SUPERSEDED)}
    return {
        "waited_count": len(waited),
        "delivered_count": delivered,
        "waiting_count": len(waited) - delivered - dead - sum(taken_out.values()),
        "dead_letter_count": dead,
        "discarded_count": taken_out[State.DISCARDED],
        "superseded_count": taken_out[State.SUPERSEDED],
    }


def _find_acts(connection: Connection, outage: OpenOutage) -> Iterator[tuple[str, Report]]:
    """Yield what people did about the connector since its outage was written down, in their order."""
    rows = select(LEDGER.c.metadata_kind, LEDGER.c.leaf_index, LEDGER.c.record).where(
        LEDGER.c.metadata_kind.in_(_ACTS), LEDGER.c.leaf_index > outage.leaf_index
    )
    for row in connection.execute(rows.order_by(LEDGER.c.leaf_index)):
        name, kind = _ACTS[row.metadata_kind]
        record = read(row.leaf_index, row.record, kind)
        own = [
            each.notification_id for each in record.notifications if is_same(each.provider, outage.provider)
        ]
        if own or (isinstance(record, EnabledRecord) and is_same(record.provider, outage.provider)):
            facts = ("replay_id", "requested_by", "approved_by")
            yield (
                name,
                {
                    **{fact: found for fact in facts if (found := getattr(record, fact, None))},
                    "by": record.by,
                    "reason": record.reason,
                    "at": record.at,
                    "count": len(own),
                    "notification_ids": own[:MOST_NAMED],
                },
            )


def _find_runs(connection: Connection, outage: OpenOutage) -> list[str]:
    """Return the flow runs that tried to deliver through the connector, in their order.

    All outcomes that a run adds have the same time, so one of each time is read.
    """
    of_outage = LEDGER.c.metadata_kind == ROUTE_DELIVERY_KIND, LEDGER.c.leaf_index > outage.leaf_index
    names = find_spellings(connection, LEDGER.c.provider, [outage.provider], *of_outage)
    first = select(func.min(LEDGER.c.leaf_index)).where(*of_outage, LEDGER.c.provider.in_(names))
    places = sorted(connection.scalars(first.group_by(LEDGER.c.created_at)))
    found = dict.fromkeys([outage.flow_run_id] if outage.flow_run_id else [])
    for start in range(0, len(places), MOST_PARAMETERS):
        some = LEDGER.c.leaf_index.in_(places[start : start + MOST_PARAMETERS])
        for text in connection.scalars(select(LEDGER.c.record).where(some).order_by(LEDGER.c.leaf_index)):
            if flow_run_id := msgspec.json.decode(text).get("flow_run_id"):
                found[flow_run_id] = None
    return list(found)
