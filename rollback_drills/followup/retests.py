"""Reads the re-tests that are still to be performed, from the evidence alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.records import DRILL_KIND, RETEST_KIND
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import group_spellings
from rollback_drills.recording.retests import Retest, open_retests

_decode: Final = msgspec.json.Decoder(Retest).decode


def read_retests(database: Database, *, now: datetime) -> list[Retest]:
    """Return the failed drills that no accepted drill has followed yet, the most urgent first."""
    statement = select(LEDGER.c.record).where(LEDGER.c.metadata_kind == RETEST_KIND)
    by_schedule: dict[str, list[Retest]] = defaultdict(list)
    with database.read() as connection:
        for retest in map(_decode, connection.scalars(statement)):
            by_schedule[name_key(retest.schedule_id)].append(retest)
        spellings = group_spellings(connection, LEDGER.c.schedule_id, by_schedule)
        found = [
            msgspec.structs.replace(each, overdue=datetime.fromisoformat(each.retest_due_at) < now)
            for key, retests in by_schedule.items()
            for each in open_retests(_once(retests), _find_accepted(connection, spellings[key]))
        ]
    return sorted(found, key=lambda each: (each.retest_due_at, each.schedule_id, each.drill_id))


def _once(retests: Sequence[Retest]) -> Iterable[Retest]:
    """Return each re-test once: one is written again when the schedule is spelt otherwise."""
    return {(each.drill_id, each.failed_at): each for each in retests}.values()


def _find_accepted(connection: Connection, spellings: Sequence[str]) -> Iterator[tuple[datetime, str]]:
    """Yield when each accepted drill of a schedule was performed, and its id."""
    statement = select(LEDGER.c.record).where(
        LEDGER.c.schedule_id.in_(spellings), LEDGER.c.metadata_kind == DRILL_KIND
    )
    for record in map(msgspec.json.decode, connection.scalars(statement)):
        if record["accepted"]:
            yield datetime.fromisoformat(record["executed_at"]), record["drill_id"]
