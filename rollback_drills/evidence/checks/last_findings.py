"""Keeps the last finding of each schedule, so that a run writes only what changed.

The table is a copy for speed. The newest check of a population signs what must stand in it; if it does not,
or if plans were pruned since, the ledger is read instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LAST_FINDINGS, LEDGER
from rollback_drills.evidence.checks.check_records import RecordedCheck, RecordedFinding, SeenPopulations
from rollback_drills.evidence.checks.plans_in_force import IS_CHECK
from rollback_drills.evidence.checks.population import Changes, KnownFindings, Summary, digest_population
from rollback_drills.evidence.index import read_if_readable, read_rows, read_time
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND, PRUNING_KIND

_ROWS_AT_ONCE: Final = 1000
_NO_RECORD: Final = ""
"""Stands for the digest of a finding whose record was pruned: the next check records it again."""


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the evidence knows of a population by its newest check."""

    findings: KnownFindings
    created_at: datetime


def read_last_check(
    connection: Connection, population_id: str, schedule_ids: Sequence[str] | None = None
) -> LastCheck | None:
    """Return what the newest check of a population concluded; None if it was never checked.

    Args:
        connection: In a transaction that writes: a table that is not what the check signed is written again.
        population_id: The population.
        schedule_ids: Return only these, and take the table as it is: nobody has signed a part of it.
    """
    newest = _find_check(connection, population_id)
    if newest is None:
        return None
    created_at = datetime.fromisoformat(newest.created_at)
    if schedule_ids is not None:
        return LastCheck(_read_rows(connection, population_id, schedule_ids), created_at)
    known = _read_table(connection, population_id)
    is_signed = digest_population(known) == newest.population_digest
    if not is_signed or _was_pruned_after(connection, newest.leaf_index):
        of_ledger = _read_ledger(connection, population_id, newest.leaf_index)
        known = dict.fromkeys(known, _NO_RECORD) | of_ledger
        _replace_table(connection, population_id, known)
    return LastCheck(known, created_at)


def find_last_check(connection: Connection, population_id: str) -> int | None:
    """Return the row of the newest check of a population; None if it was never checked."""
    newest = _find_check(connection, population_id)
    return None if newest is None else newest.leaf_index


def find_lost_by_last_check(database: Database, population_id: str) -> tuple[Sequence[str], str]:
    """Return what the newest check of a population has lost, and the flow run that had to name it."""
    with database.read() as connection:
        newest = _find_check(connection, population_id)
    return (newest.lost, newest.flow_run_id) if newest else ((), "")


def find_time_of_check(connection: Connection, *, of_fleet: bool) -> datetime | None:
    """Return the time of the newest check; None if there was no check.

    A check that judged by an earlier time than its own says nothing of what came due since.

    Args:
        connection: In a transaction.
        of_fleet: Leave out checks of one schedule: while those go on, nobody looks at the others.
    """
    checks = select(LEDGER.c.leaf_index, LEDGER.c.record).where(IS_CHECK)
    newest_first = checks.order_by(LEDGER.c.leaf_index.desc()).execution_options(yield_per=1)
    with connection.execute(newest_first) as rows:
        for check in read_rows(rows.tuples(), RecordedCheck):
            if check.is_fleet or not of_fleet:
                return min(read_time(check.created_at), read_time(check.as_of))
    return None


def find_known_names(database: Database, population_id: str) -> list[str]:
    """Return the schedules of a population, by the names of the records."""
    with database.read() as connection:
        return list(_read_table(connection, population_id))


def keep_findings(connection: Connection, summary: Summary, changes: Changes) -> None:
    """Keep the findings of a check for the next one."""
    if not changes.is_any:
        return
    of_population = LAST_FINDINGS.c.population_id == summary.population_id
    outdated = sorted({*changes.changed, *changes.gone})
    some = one_of(LAST_FINDINGS.c.schedule_id, outdated)
    connection.execute(delete(LAST_FINDINGS).where(of_population, some))
    _add_rows(connection, summary.population_id, {name: summary.findings[name] for name in changes.changed})


def forget_findings(connection: Connection) -> None:
    """Forget what was found of each schedule, so that what was pruned is recorded again."""
    connection.execute(update(LAST_FINDINGS).values(finding_digest=_NO_RECORD))


def _replace_table(connection: Connection, population_id: str, known: KnownFindings) -> None:
    connection.execute(delete(LAST_FINDINGS).where(LAST_FINDINGS.c.population_id == population_id))
    _add_rows(connection, population_id, known)


def _add_rows(connection: Connection, population_id: str, findings: KnownFindings) -> None:
    rows = [
        {"population_id": population_id, "schedule_id": name, "finding_digest": digest}
        for name, digest in sorted(findings.items())
    ]
    if rows:
        connection.execute(insert(LAST_FINDINGS), rows)


def _find_check(connection: Connection, population_id: str) -> RecordedCheck | None:
    """Return the newest check of a population; its record has no schedule."""
    checks = select(LEDGER.c.leaf_index, LEDGER.c.record).where(
        IS_CHECK, LEDGER.c.session_id == population_id
    )
    newest_first = checks.order_by(LEDGER.c.leaf_index.desc()).execution_options(yield_per=1)
    with connection.execute(newest_first) as rows:
        return next(read_rows(rows.tuples(), RecordedCheck), None)


def _was_pruned_after(connection: Connection, row: int) -> bool:
    """Return whether plans that a check refers to may have lost their content since."""
    pruning = select(LEDGER.c.leaf_index).where(
        LEDGER.c.schedule_id == "", LEDGER.c.metadata_kind == PRUNING_KIND, LEDGER.c.leaf_index > row
    )
    return connection.execute(pruning.limit(1)).first() is not None


def _read_table(connection: Connection, population_id: str) -> KnownFindings:
    columns = select(LAST_FINDINGS.c.schedule_id, LAST_FINDINGS.c.finding_digest)
    rows = connection.execute(columns.where(LAST_FINDINGS.c.population_id == population_id))
    # no check writes anything but texts; without the row, the digest of the check no longer fits
    return {name: digest for name, digest in rows if isinstance(name, str) and isinstance(digest, str)}


def _read_rows(connection: Connection, population_id: str, schedule_ids: Sequence[str]) -> KnownFindings:
    columns = select(LAST_FINDINGS.c.schedule_id, LAST_FINDINGS.c.finding_digest).where(
        LAST_FINDINGS.c.population_id == population_id, one_of(LAST_FINDINGS.c.schedule_id, schedule_ids)
    )
    return dict(connection.execute(columns).tuples().all())


def _read_ledger(connection: Connection, population_id: str, last: int) -> KnownFindings:
    """Read the rows up to the last again; it is needed after a pruning, or if the table was changed."""
    seen = SeenPopulations()
    rows = select(LEDGER.c.leaf_index, LEDGER.c.metadata_kind, LEDGER.c.record).where(
        LEDGER.c.metadata_kind.in_((PLAN_KIND, CHECK_KIND)),
        LEDGER.c.leaf_index <= last,
        LEDGER.c.record.contains(population_id),
    )
    ordered = rows.order_by(LEDGER.c.leaf_index).execution_options(yield_per=_ROWS_AT_ONCE)
    for row, kind, text in connection.execute(ordered):
        if kind == PLAN_KIND:
            if plan := read_if_readable(row, text, RecordedFinding):
                seen.take_plan(plan)
        elif check := read_if_readable(row, text, RecordedCheck):
            seen.take_check(check)
    return seen.known.get(population_id, {})
