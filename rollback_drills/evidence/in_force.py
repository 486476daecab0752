"""Finds what was in force at a place in the ledger: the last plan of each schedule that was still checked.

A run writes what changed, so a plan holds until another one follows, its schedule is gone, or nobody checks
its population any more. Plans of earlier versions have no digest: each run wrote them anew, so they stand for
their own instant only.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from rollback_drills.evidence.records import CHECK_KIND, PLAN_KIND
from rollback_drills.evidence.table import LEDGER

HAS_DIGEST: Final = LEDGER.c.record.contains('"finding_digest":"')
"""Plans that hold until another one follows."""
IS_CHECK: Final[ColumnElement[bool]] = (LEDGER.c.schedule_id == "") & (LEDGER.c.metadata_kind == CHECK_KIND)
NAMES_GONE: Final[ColumnElement[bool]] = IS_CHECK & ~LEDGER.c.record.contains('"gone":[]')
"""Checks that say which schedules are gone."""


class _PlanOf(msgspec.Struct):
    population_id: str


class CheckFacts(msgspec.Struct):
    """What is needed of the record of a check."""

    population_id: str
    gone: tuple[str, ...]


check_facts: Final = msgspec.json.Decoder(CheckFacts)
_plans: Final = msgspec.json.Decoder(_PlanOf)


def find_last_checks(connection: Connection, *conditions: ColumnElement[bool]) -> Mapping[str, int]:
    """Return the row of the last check of each population."""
    last = select(LEDGER.c.session_id, func.max(LEDGER.c.leaf_index)).where(IS_CHECK, *conditions)
    rows = connection.execute(last.group_by(LEDGER.c.session_id))
    return {row[0]: row[1] for row in rows}


def find_in_force(connection: Connection, before: int) -> Mapping[int, str]:
    """Return the plans in force at a row of the ledger: their rows and records.

    Args:
        connection: Reads the ledger.
        before: Only rows before this one count. Populations that are not checked from there on are left out.
    """
    newest = select(func.max(LEDGER.c.leaf_index)).where(
        LEDGER.c.metadata_kind == PLAN_KIND, LEDGER.c.leaf_index < before
    )
    newest = newest.group_by(LEDGER.c.schedule_id)
    plans = select(LEDGER.c.schedule_id, LEDGER.c.leaf_index, LEDGER.c.record).where(
        LEDGER.c.leaf_index.in_(newest), HAS_DIGEST
    )
    checked = find_last_checks(connection, LEDGER.c.leaf_index >= before)
    found: dict[str, tuple[int, str, str]] = {}
    for name, row, record in connection.execute(plans):
        population_id = _plans.decode(record).population_id
        if population_id in checked:
            found[name] = row, population_id, record
    departures = select(LEDGER.c.leaf_index, LEDGER.c.record).where(NAMES_GONE, LEDGER.c.leaf_index < before)
    for row, record in connection.execute(departures):
        check = check_facts.decode(record)
        for name in check.gone:
            if name in found and found[name][0] < row and found[name][1] == check.population_id:
                del found[name]
    return {row: record for row, _, record in sorted(found.values())}
