"""Reads the open findings of drills from the evidence alone."""

from collections import defaultdict
from datetime import datetime

import msgspec
from sqlalchemy import select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.history import Drill
from rollback_drills.evidence.index import LedgerRow, iterate_records
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.names.keys import name_key
from rollback_drills.readiness.open_findings import OpenFinding, find_open_findings


class ScheduleFinding(OpenFinding, frozen=True, gc=False, kw_only=True):
    """An open finding, and whose it is."""

    schedule_id: str


class _Recorded(LedgerRow, frozen=True, gc=False):
    schedule_id: str
    drill_id: str
    drill: Drill


def read_open_drill_findings(database: Database, *, now: datetime) -> list[ScheduleFinding]:
    """Return the open findings of all schedules by the newest record of each drill, those due first."""
    of_drills = LEDGER.c.metadata_kind == DRILL_KIND
    named = select(LEDGER.c.schedule_id).where(of_drills, LEDGER.c.record.contains('"findings"')).distinct()
    by_schedule: dict[str, dict[str, Drill]] = defaultdict(dict)
    spelling: dict[str, str] = {}
    with database.read() as connection:
        for record in iterate_records(connection, _Recorded, of_drills, LEDGER.c.schedule_id.in_(named)):
            key = name_key(record.schedule_id)
            spelling[key] = record.schedule_id
            by_schedule[key][name_key(record.drill_id)] = record.drill
    found = [
        ScheduleFinding(schedule_id=spelling[key], **msgspec.structs.asdict(each))
        for key, drills in by_schedule.items()
        for each in find_open_findings(drills.values(), now=now)
    ]
    return sorted(found, key=lambda each: (each.due_at or "9999", each.opened_at, each.schedule_id))
