"""How much was planned, delivered and acknowledged so far: the counts that the dashboard of CAVRA has."""

from typing import Final, NamedTuple

from sqlalchemy import func, select

from rollback_drills.database.alarm_path_rows import is_no_alarm_path
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND, DELIVERY_KIND, PLAN_KIND

_KINDS: Final = (PLAN_KIND, DELIVERY_KIND, ACKNOWLEDGEMENT_KIND)


class Totals(NamedTuple):
    """The records of the evidence, by kind; those that were imported are not among them."""

    plan_count: int = 0
    delivery_count: int = 0
    acknowledgement_count: int = 0


NO_TOTALS: Final = Totals()


def read_totals(database: Database) -> Totals:
    """Count the plans, deliveries and acknowledgements in the evidence.

    Raises:
        DatabaseError: The database cannot be read.
    """
    counted = select(LEDGER.c.metadata_kind, func.count()).where(
        LEDGER.c.metadata_kind.in_(_KINDS), is_no_alarm_path(LEDGER.c.schedule_id)
    )
    with database.read() as connection:
        rows = connection.execute(counted.group_by(LEDGER.c.metadata_kind)).all()
    found = {kind: int(count) for kind, count in rows}
    return Totals(*(found.get(kind, 0) for kind in _KINDS))
