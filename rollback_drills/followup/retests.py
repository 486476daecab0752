"""Reads the re-tests that are still to be performed, from the evidence alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.index import LedgerRow, iterate_records, read_all
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import group_spellings
from rollback_drills.recording.retests import RetestRecord, open_retests


class Retest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A drill that is to be performed again, as the dashboard has it."""

    schedule_id: str
    cycle_id: str
    drill_id: str
    failed_at: str
    retest_due_at: str
    problems: Sequence[str]
    overdue: bool = False
    """Whether the time for it is over."""


def read_retests(database: Database, *, now: datetime) -> list[Retest]:
    """Return the failed drills that no accepted drill has followed yet, the most urgent first."""
    by_schedule: dict[str, list[RetestRecord]] = defaultdict(list)
    with database.read() as connection:
        for retest in read_all(connection, RetestRecord):
            by_schedule[name_key(retest.schedule_id)].append(retest)
        spellings = group_spellings(connection, LEDGER.c.schedule_id, by_schedule)
        found = [
            Retest(
                schedule_id=each.schedule_id,
                cycle_id=each.cycle_id,
                drill_id=each.drill_id,
                failed_at=each.failed_at,
                retest_due_at=each.retest_due_at,
                problems=each.problems,
                overdue=datetime.fromisoformat(each.retest_due_at) < now,
            )
            for key, retests in by_schedule.items()
            for each in open_retests(_once(retests), _find_accepted(connection, spellings[key]))
        ]
    return sorted(found, key=lambda each: (each.retest_due_at, each.schedule_id, each.drill_id))


def _once(retests: Sequence[RetestRecord]) -> Iterable[RetestRecord]:
    """Return each re-test once: one is written again when the schedule is spelt otherwise."""
    return {(each.drill_id, each.failed_at): each for each in retests}.values()


class _Performed(LedgerRow, frozen=True, gc=False):
    drill_id: str
    accepted: bool
    executed_at: datetime


def _find_accepted(connection: Connection, spellings: Sequence[str]) -> Iterator[tuple[datetime, str]]:
    """Yield when each accepted drill of a schedule was performed, and its id."""
    of_schedule = LEDGER.c.schedule_id.in_(spellings), LEDGER.c.metadata_kind == DRILL_KIND
    for drill in iterate_records(connection, _Performed, *of_schedule):
        if drill.accepted:
            yield drill.executed_at, drill.drill_id
