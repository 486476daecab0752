"""Finds the flow run that last changed the outcome of each notification."""

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Connection

from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.index import LedgerRow, iterate_records
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND


class _Outcome(LedgerRow, frozen=True, gc=False):
    notification_id: str = ""
    flow_run_id: str = ""


def find_notifying_runs(connection: Connection, cycle_ids: Collection[str]) -> Mapping[str, str]:
    """Return by notification id the flow run that wrote its newest outcome.

    A notification whose outcome no flow run has written yet is missing.

    Args:
        connection: Reads the ledger.
        cycle_ids: The cycles of the notifications.
    """
    return {
        each.notification_id: each.flow_run_id
        for each in _read(connection, sorted(cycle_ids))
        if each.notification_id and each.flow_run_id
    }


def _read(connection: Connection, cycle_ids: list[str]) -> Iterator[_Outcome]:
    of_cycles = one_of(LEDGER.c.cycle_id, cycle_ids), LEDGER.c.metadata_kind == ROUTE_DELIVERY_KIND
    return iterate_records(connection, _Outcome, *of_cycles)
