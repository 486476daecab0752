"""Verifies the ledger in its database."""

from collections.abc import Callable, Collection
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rollback_drills.database.connections import Database
from rollback_drills.database.first_format import has_first_format, iterate_rows
from rollback_drills.database.tables import HEADS, LEDGER, OUTBOX, PRUNED, SCHEMA_VERSION, SINCE
from rollback_drills.database.versions import UNNUMBERED, UPGRADE_COMMAND, find_version
from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.merkle import cover
from rollback_drills.evidence.verify import postgresql_schema, sqlite_schema
from rollback_drills.evidence.verify.auditor import Auditor, Trust
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.outbox_rows import find_impossible
from rollback_drills.evidence.verify.row_judge import NO_HASH, RowJudge
from rollback_drills.evidence.verify.stored_heads import StoredHeads
from rollback_drills.evidence.verify.stored_rows import StoredRow, iterate_stored_rows, reading_anything
from rollback_drills.evidence.verify.taken_outcomes import TakenOutcomes, can_be_compared, iterate_outbox
from rollback_drills.rendering.counts import rows_are, write_count

TABLES: Final = (LEDGER.name, HEADS.name, PRUNED.name, OUTBOX.name)
"""A database that has one of these is one of ours, even if the others were changed or removed."""
_OF_LEDGER: Final = frozenset(TABLES[:3])
_FIRST_NUMBER: Final = 1
"""Formats before versions were numbered may have the tables of this version."""
_AT_ONCE: Final = 1000


def verify_ledger(database: Database, trust: Trust, progress: Callable[[int], None]) -> Verification:
    """Verify every row of the ledger, every node of its tree, every signed head, and what defines its tables.

    Everything is read as it is at one time, whatever others write meanwhile.

    Args:
        database: Keeps the ledger.
        trust: What the caller has kept elsewhere.
        progress: Is called now and then with the number of rows that were verified.

    Raises:
        DatabaseError: The database cannot be read.
        UsageError: There is no evidence.
    """
    result = Verification()
    with database.snapshot() as connection, reading_anything(connection):
        tables = _inspect(connection, result)
        outcomes = _read_outbox(connection, tables, result)
        heads = StoredHeads(connection, result)
        is_whole = _OF_LEDGER.issubset(tables)
        auditor = Auditor(heads.iterate_notes() if is_whole else (), trust, result)
        if is_whole:
            try:
                _read_rows(connection, auditor, heads, outcomes, progress)
            except DBAPIError as error:
                if result.is_intact:
                    raise
                result.add(FindingKind.CHANGED, f"the database cannot be read to its end: {error.orig}")
        auditor.finish()
        waiting = _read_first_format(connection, outcomes)
        pruning = auditor.newest_pruning
        outcomes.judge(result, pruning.cut_off if pruning else "")
    if waiting:
        result.remarks.append(f"{waiting}; run `{UPGRADE_COMMAND}`")
    if result.is_intact and not result.size:
        raise UsageError(
            f"{waiting}; run `{UPGRADE_COMMAND}`"
            if waiting
            else "there is no evidence in the database; run `drills deliver` or the drill-check flow"
        )
    return result


def _read_first_format(connection: Connection, outcomes: TakenOutcomes) -> str:
    """Take rows of the first format that are not in the ledger yet: the outbox has their outcomes.

    Returns:
        How many there are, as a clause; empty if there are none.
    """
    if not has_first_format(connection):
        return ""
    count = 0
    for _, record in iterate_rows(connection):
        outcomes.find_unsigned(record)
        count += 1
    return f"not in the ledger yet: {write_count(count, 'row')} from before the evidence was signed"


def _inspect(connection: Connection, result: Verification) -> Collection[str]:
    """Compare what defines the tables with what the program creates; return the names of those that exist."""
    schema = sqlite_schema if connection.dialect.name == "sqlite" else postgresql_schema
    tables: Collection[str] = schema.find_tables(connection)
    version = find_version(connection) or UNNUMBERED
    if version == UNNUMBERED and _OF_LEDGER.isdisjoint(tables):
        return tables  # no evidence was ever written here, or all of it is gone: the outbox shows which
    newest = max(SINCE.keys() & tables, key=SINCE.__getitem__)
    if version < SINCE[newest] > _FIRST_NUMBER:
        if SCHEMA_VERSION.name in tables:
            what = f"it has schema version {version}, and has a table of version {SINCE[newest]}, {newest}"
            result.add(FindingKind.SCHEMA, f"the database says that {what}")
        version = SINCE[newest]
    for difference in schema.find_differences(connection, version):
        result.add(FindingKind.SCHEMA, difference)
    if schema is sqlite_schema:
        for damage in sqlite_schema.find_file_damage(connection):
            result.add(FindingKind.CHANGED, damage)
    return tables


def _read_outbox(connection: Connection, tables: Collection[str], result: Verification) -> TakenOutcomes:
    if OUTBOX.name not in tables or not can_be_compared(connection):
        return TakenOutcomes(None)
    for problem in find_impossible(connection):
        result.add(FindingKind.CHANGED, problem)
    return TakenOutcomes(iterate_outbox(connection))


def _read_rows(
    connection: Connection,
    auditor: Auditor,
    heads: StoredHeads,
    outcomes: TakenOutcomes,
    progress: Callable[[int], None],
) -> None:
    judge = RowJudge(auditor.result, outcomes)
    for row in iterate_stored_rows(connection):
        _verify_row(auditor, judge, row)
        size = auditor.frontier.size
        if heads.next_size <= size:
            heads.compare(size, judge.created_at, auditor.public_key)
        if not size % _AT_ONCE:
            progress(size)
    judge.finish(auditor.newest_pruning)


def _verify_row(auditor: Auditor, judge: RowJudge, row: StoredRow) -> None:
    result, place = auditor.result, auditor.frontier.size
    if row.leaf_index < place:
        what = (
            f"cannot be read: {row.problem}" if row.problem else "is there twice, or has no place in the tree"
        )
        result.add(FindingKind.INSERTED, f"row {row.leaf_index} {what}")
        return
    if row.leaf_index > place:
        last = row.leaf_index - 1
        which = rows_are(place, last)
        result.add(FindingKind.REMOVED, f"{which} missing")
        auditor.is_lost = True
        for level, _ in cover(place, row.leaf_index):
            auditor.add_subtree(level, NO_HASH, pruned=False)
    leaf, content = judge.judge(row)
    is_pruned = row.is_pruned
    completed = auditor.add_subtree(0, leaf, pruned=True) if is_pruned else auditor.add_row(leaf, content)
    if completed != row.hashes and not auditor.is_lost:
        result.add(FindingKind.CHANGED, f"the hashes of row {row.leaf_index} were changed")
