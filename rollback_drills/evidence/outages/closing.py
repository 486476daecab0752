"""Writes the closure of an outage: how long it lasted, what waited, and who did what about it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.utc import from_seconds, write_instant
from rollback_drills.evidence.index import LedgerRow, iterate_records, read_if_readable
from rollback_drills.evidence.outages.acts import DiscardRecord, EnabledRecord, ExecutionRecord
from rollback_drills.evidence.outages.known import OpenOutage
from rollback_drills.evidence.outages.levels import ConnectorRows
from rollback_drills.evidence.outages.records import ActReport, ClosureRecord, WaitedReport
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from rollback_drills.names import ids
from rollback_drills.names.keys import is_same
from rollback_drills.names.spellings import find_spellings
from rollback_drills.notifications.states import DEAD, NOTIFIED, State

MOST_NAMED: Final = 500
"""So many notifications are named one by one; the counts are of all."""


class _Origin(LedgerRow, frozen=True, gc=False):
    flow_run_id: str = ""


_Act = ExecutionRecord | DiscardRecord | EnabledRecord
_ACTS: Final[Mapping[str, type[_Act]]] = {
    each.kind(): each for each in (ExecutionRecord, DiscardRecord, EnabledRecord)
}


def record_closure(
    connection: Connection,
    outage: OpenOutage,
    rows: ConnectorRows,
    closed_at: float,
    *,
    created_at: datetime,
    signer: str,
) -> ClosureRecord:
    """Write down that an outage ends, with all that it was: the connector delivers again.

    Args:
        connection: Reads the ledger; has what the run has added.
        outage: The outage.
        rows: The notifications of the connector.
        closed_at: The first delivery since it began; of an outage that goes on, until when it is described.
        created_at: The clock of the evidence.
        signer: Who runs.
    """
    opened_at = outage.opened_at.timestamp()
    waited = rows.find_waited(opened_at, closed_at)
    states = Counter(each.state for each in waited)
    delivered, dead = (sum(states[each] for each in some) for some in (NOTIFIED, DEAD))
    discarded, superseded = states[State.DISCARDED], states[State.SUPERSEDED]
    acts = list(_find_acts(connection, outage))
    return ClosureRecord(
        session_id=outage.outage_id,
        created_at=write_instant(created_at),
        signer=signer,
        provider=outage.provider,
        outage_id=outage.outage_id,
        closure_id=ids.closure_id(outage.outage_id),
        opened_at=write_instant(outage.opened_at),
        closed_at=write_instant(from_seconds(closed_at)),
        duration_seconds=tidy(round(closed_at - opened_at, 3)),
        waited_count=len(waited),
        delivered_count=delivered,
        waiting_count=len(waited) - delivered - dead - discarded - superseded,
        dead_letter_count=dead,
        discarded_count=discarded,
        superseded_count=superseded,
        notifications=[
            WaitedReport(each.notification_id, each.schedule_id, each.owner, each.state, each.attempt_count)
            for each in waited[:MOST_NAMED]
        ],
        replayed=[act for record, act in acts if isinstance(record, ExecutionRecord)],
        discarded=[act for record, act in acts if isinstance(record, DiscardRecord)],
        enabled=[act for record, act in acts if isinstance(record, EnabledRecord)],
        flow_run_ids=_find_runs(connection, outage),
    )


def _find_acts(connection: Connection, outage: OpenOutage) -> Iterator[tuple[_Act, ActReport]]:
    """Yield what people did about the connector since its outage was written down, in their order."""
    rows = select(LEDGER.c.metadata_kind, LEDGER.c.leaf_index, LEDGER.c.record).where(
        LEDGER.c.metadata_kind.in_(_ACTS), LEDGER.c.leaf_index > outage.leaf_index
    )
    for row in connection.execute(rows.order_by(LEDGER.c.leaf_index)):
        record = read_if_readable(row.leaf_index, row.record, _ACTS[row.metadata_kind])
        if record is None:
            continue
        own = [
            each.notification_id for each in record.notifications if is_same(each.provider, outage.provider)
        ]
        if own or (isinstance(record, EnabledRecord) and is_same(record.provider, outage.provider)):
            act = ActReport(record.by, record.reason, record.at, len(own), own[:MOST_NAMED])
            yield record, _add_request(act, record) if isinstance(record, ExecutionRecord) else act


def _add_request(act: ActReport, record: ExecutionRecord) -> ActReport:
    return msgspec.structs.replace(
        act,
        replay_id=record.replay_id or None,
        requested_by=record.requested_by or None,
        approved_by=record.approved_by or None,
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
    runs = iterate_records(connection, _Origin, one_of(LEDGER.c.leaf_index, places))
    return list(found | dict.fromkeys(each.flow_run_id for each in runs if each.flow_run_id))
