"""Finds what was in force at a place in the ledger: the last plan of each schedule that was still checked.

A run writes what changed, so a plan holds until a newer plan is written, its schedule is gone, or its
population is no longer checked. Plans of earlier versions have no digest: each run wrote them again, so they
stand for their own instant only.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.index import LedgerRow, iterate_records, read_time
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND
from rollback_drills.evidence.recorded_plan import RecordedPlan

HAS_DIGEST: Final = LEDGER.c.record.contains('"finding_digest":"')
"""Whether a plan holds until a newer plan is written."""
IS_CHECK: Final[ColumnElement[bool]] = (LEDGER.c.schedule_id == "") & (LEDGER.c.metadata_kind == CHECK_KIND)
NAMES_GONE: Final[ColumnElement[bool]] = IS_CHECK & ~LEDGER.c.record.contains('"gone":[]')
"""Checks that say which schedules are gone."""


class Departures(LedgerRow, frozen=True, gc=False):
    """Which schedules a check no longer found."""

    population_id: str
    gone: Sequence[str]


def find_last_checks(connection: Connection, *conditions: ColumnElement[bool]) -> Mapping[str, datetime]:
    """Return when each population was checked last."""
    last = select(func.max(LEDGER.c.leaf_index)).where(IS_CHECK, *conditions).group_by(LEDGER.c.session_id)
    checks = select(LEDGER.c.session_id, LEDGER.c.created_at).where(LEDGER.c.leaf_index.in_(last))
    return {row.session_id: read_time(row.created_at) for row in connection.execute(checks)}


def find_in_force(connection: Connection, before: int) -> Sequence[RecordedPlan]:
    """Return the plans in force at a row of the ledger, in their order.

    A schedule has one, though two populations may hold it: the newest plan of a population that is checked
    from that row on.

    Args:
        connection: Reads the ledger.
        before: Only rows before this one count.
    """
    checked = find_last_checks(connection, LEDGER.c.leaf_index >= before)
    found: dict[str, RecordedPlan] = {}
    newest = select(func.max(LEDGER.c.leaf_index)).where(
        LEDGER.c.metadata_kind == PLAN_KIND, LEDGER.c.leaf_index < before
    )
    rows = [*connection.scalars(newest.group_by(LEDGER.c.schedule_id))]
    while rows:
        earlier = []
        of_rows = one_of(LEDGER.c.leaf_index, rows)
        # only plans with a digest hold until a newer one follows
        for plan in list(iterate_records(connection, RecordedPlan, of_rows, HAS_DIGEST)):
            if plan.population_id in checked:
                found[plan.schedule_id] = plan
            else:  # that population is no longer checked, but another population may have the schedule
                own = LEDGER.c.schedule_id == plan.schedule_id, LEDGER.c.leaf_index < plan.leaf_index
                earlier.append(connection.scalar(newest.where(*own)))
        rows = [row for row in earlier if row is not None]
    for check in iterate_records(connection, Departures, NAMES_GONE, LEDGER.c.leaf_index < before):
        for name in check.gone:
            last = found.get(name)
            if last is None or last.population_id != check.population_id:
                continue
            if last.leaf_index < check.leaf_index:
                del found[name]
    return sorted(found.values(), key=attrgetter("leaf_index"))
