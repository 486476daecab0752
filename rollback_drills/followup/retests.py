"""Reads the re-tests that are still to be performed, from the evidence alone."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from rollback_drills.database import Database
from rollback_drills.evidence.records import DRILL_KIND, RETEST_KIND
from rollback_drills.evidence.table import LEDGER
from rollback_drills.readiness.terms import Report

_NAMES = ("schedule_id", "cycle_id", "drill_id", "failed_at", "retest_due_at", "problems")


def read_retests(database: Database, *, now: datetime) -> list[Report]:
    """Give the drills that failed and were not performed again with success since, the most urgent first."""
    statement = select(LEDGER.c.record).where(LEDGER.c.metadata_kind == RETEST_KIND)
    accepted: dict[str, datetime | None] = {}
    found = []
    with database.read() as connection:
        for text in connection.scalars(statement).all():
            record: dict[str, Any] = msgspec.json.decode(text)
            schedule_id = record["schedule_id"]
            if schedule_id not in accepted:
                accepted[schedule_id] = _find_accepted_at(connection, schedule_id)
            performed_at = accepted[schedule_id]
            if performed_at is None or performed_at < datetime.fromisoformat(record["failed_at"]):
                found.append({name: record[name] for name in _NAMES})
    for each in found:
        each["overdue"] = datetime.fromisoformat(each["retest_due_at"]) < now
    return sorted(found, key=lambda each: (each["retest_due_at"], each["schedule_id"], each["drill_id"]))


def _find_accepted_at(connection: Connection, schedule_id: str) -> datetime | None:
    """Give when the latest accepted drill of a schedule was performed."""
    statement = select(LEDGER.c.record).where(
        LEDGER.c.schedule_id == schedule_id, LEDGER.c.metadata_kind == DRILL_KIND
    )
    records = map(msgspec.json.decode, connection.scalars(statement))
    instants = (
        datetime.fromisoformat(each["executed_at"])
        for each in records
        if each["accepted"] and each["executed_at"]
    )
    return max(instants, default=None)
