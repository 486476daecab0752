"""The last plan that the ledger has of each schedule, for the sign that too many turned bad at once."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Select, func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import listed
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.index import LedgerRow, read_if_readable
from rollback_drills.evidence.record_kinds import PLAN_KIND
from rollback_drills.trust.known_history import spell_names
from rollback_drills.trust.signs import LastPlan


class _Due(msgspec.Struct, frozen=True, gc=False):
    next_due_at: str | None = None


class _Plan(LedgerRow, frozen=True, gc=False):
    status: str = ""
    schedule: _Due = _Due()


def read_last_plans(database: Database, schedule_ids: Iterable[str]) -> dict[str, LastPlan]:
    """Return the last plans of these schedules, by name; one whose plans were pruned has none.

    A schedule may have been spelt otherwise.

    Raises:
        DatabaseError: The database cannot be read.
    """
    newest: dict[str, tuple[int, str]] = {}
    with database.read() as connection:
        names = spell_names(connection, schedule_ids)
        for schedule_id, leaf_index, text in connection.execute(_find_newest(names)):
            name = names[schedule_id]
            newest[name] = max(newest.get(name, (-1, "")), (leaf_index, text))
    plans = {name: read_if_readable(*row, _Plan) for name, row in newest.items()}
    return {
        name: LastPlan(plan.status, plan.schedule.next_due_at or "")
        for name, plan in plans.items()
        if plan and plan.status
    }


def _find_newest(schedule_ids: Iterable[str]) -> Select[Any]:
    """Return the query of the newest plan of each of some schedules."""
    wanted = listed(schedule_ids)
    of_plans = LEDGER.alias("of_plans")
    newest = (
        select(func.max(of_plans.c.leaf_index))
        .where(of_plans.c.schedule_id == wanted.c.value, of_plans.c.metadata_kind == PLAN_KIND)
        .correlate(wanted)
        .scalar_subquery()
    )
    found = select(LEDGER.c.schedule_id, LEDGER.c.leaf_index, LEDGER.c.record)
    return found.join_from(wanted, LEDGER, LEDGER.c.leaf_index == newest)
