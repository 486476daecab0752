"""Closes the outage of a connector that is not used any more: nothing will ever be delivered through it."""

import msgspec

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outages.closing import record_closure
from rollback_drills.evidence.outages.known import read_unfinished
from rollback_drills.evidence.outages.levels import ConnectorRows
from rollback_drills.evidence.outages.records import ClosureRecord
from rollback_drills.evidence.record import make_once_key
from rollback_drills.evidence.record_kinds import CLOSURE_KIND
from rollback_drills.names.keys import name_key
from rollback_drills.outbox.destinations import find_destination
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recorded_act import Recording, Writer, recording


@repeat_on_conflict
def close_outage(database: Database, provider: str, act: Act, writer: Writer) -> Recording[ClosureRecord]:
    """End an outage without a delivery; what waits or died stays as it is, and the record counts it.

    Args:
        database: Keeps outbox and evidence.
        provider: The connector.
        act: Who closes it, and why.
        writer: Writes it down.

    Raises:
        UsageError: The connector has no open outage, it has delivered again, or nobody is named.
    """
    act.check()
    with recording(database, writer) as written:
        connection, now = written.connection, written.writer.now
        written.look_at(provider)
        open_outages = read_unfinished(connection).outages
        outage = open_outages.get(name_key(provider))
        if outage is None:
            names = ", ".join(sorted(each.provider for each in open_outages.values())) or "none"
            raise UsageError(f"{provider} has no open outage; open are those of: {names}")
        rows = ConnectorRows(connection, outage.provider, latest=now.timestamp())
        disabled_at = find_destination(connection, outage.provider).disabled_at
        if disabled_at is None and rows.read_level(outage.opened_at.timestamp(), None).delivered_at:
            raise UsageError(f"{outage.provider} has delivered again; the next run closes its outage")
        record = record_closure(
            connection, outage, rows, now.timestamp(), created_at=now, signer=writer.signer
        )
        given_up = msgspec.structs.replace(
            record, closure_state="given_up", closed_by=act.by, reason=act.reason
        )
        written.add(given_up, make_once_key(CLOSURE_KIND, outage.outage_id))
    return written
