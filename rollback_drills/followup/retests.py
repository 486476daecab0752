"""Reads the re-tests that are still to be performed, from the evidence alone."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from rollback_drills.database.connections import Database
from rollback_drills.evidence.records import DRILL_KIND, RETEST_KIND
from rollback_drills.evidence.table import LEDGER
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import group_spellings
from rollback_drills.readiness.terms import Report
from rollback_drills.recording.retests import open_retests

_NAMES = ("schedule_id", "cycle_id", "drill_id", "failed_at", "retest_due_at", "problems")


def read_retests(database: Database, *, now: datetime) -> list[Report]:
    """Return the failed drills that no accepted drill has followed yet, the most urgent first."""
    statement = select(LEDGER.c.record).where(LEDGER.c.metadata_kind == RETEST_KIND)
    by_schedule: dict[str, list[Report]] = defaultdict(list)
    with database.read() as connection:
        for text in connection.scalars(statement):
            record: Report = msgspec.json.decode(text)
            by_schedule[name_key(record["schedule_id"])].append({name: record[name] for name in _NAMES})
        spellings = group_spellings(connection, LEDGER.c.schedule_id, by_schedule)
        found = [
            each | {"overdue": datetime.fromisoformat(each["retest_due_at"]) < now}
            for key, records in by_schedule.items()
            for each in open_retests(_once(records), _find_accepted(connection, spellings[key]))
        ]
    return sorted(found, key=lambda each: (each["retest_due_at"], each["schedule_id"], each["drill_id"]))


def _once(records: Sequence[Report]) -> Iterator[Report]:
    """Return each re-test once: one is written again when the schedule is spelt otherwise."""
    yield from {(each["drill_id"], each["failed_at"]): each for each in records}.values()


def _find_accepted(connection: Connection, spellings: Sequence[str]) -> Iterator[tuple[datetime, str]]:
    """Yield when each accepted drill of a schedule was performed, and its id."""
    statement = select(LEDGER.c.record).where(
        LEDGER.c.schedule_id.in_(spellings), LEDGER.c.metadata_kind == DRILL_KIND
    )
    for record in map(msgspec.json.decode, connection.scalars(statement)):
        if record["accepted"]:
            yield datetime.fromisoformat(record["executed_at"]), record["drill_id"]
