"""Ends the retention of old rows: their content goes, their hashes stay, and a row says so."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import pendulum
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, union_all

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.tables import LEDGER, PRUNED
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.appender import OpenSigningKey, appending
from rollback_drills.evidence.checks.last_findings import forget_findings
from rollback_drills.evidence.heads import find_nodes
from rollback_drills.evidence.ledger.merkle import fold, frontier_of
from rollback_drills.evidence.ledger_records import PruningRecord
from rollback_drills.evidence.record_kinds import LEDGER_KINDS

_ROWS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Prunable:
    """What is older than the retention."""

    cut_off: datetime
    pruned_before: int
    """The first leaf that is kept."""
    row_count: int


def find_prunable(connection: Connection, *, months: int, now: datetime) -> Prunable:
    """Find the rows at the beginning of the ledger that are all older than so many months.

    The ledger's own rows are kept whatever their age: a verifier needs its keys. So is the newest row.
    """
    cut_off = datetime.fromtimestamp(int(pendulum.instance(now).subtract(months=months).timestamp()), UTC)
    column = LEDGER.c.leaf_index
    # Without the offset: collations differ in how they order a fraction of a second and an offset.
    second = write_instant(cut_off).removesuffix("+00:00")
    first_kept = connection.scalar(select(func.min(column)).where(LEDGER.c.created_at >= second))
    newest = connection.scalar(select(func.max(column)))
    before = newest if first_kept is None else first_kept
    count = connection.scalar(select(func.count()).select_from(LEDGER).where(*_prunable_rows(before or 0)))
    return Prunable(cut_off, before or 0, count or 0)


@repeat_on_conflict
def prune(
    database: Database, *, months: int, now: datetime, signer: str, open_key: OpenSigningKey
) -> tuple[Prunable, timedelta | None]:
    """Prune what is older than so many months, in one transaction; nothing happens if there is none.

    Args:
        database: Keeps the ledger.
        months: The retention.
        now: The clock of the evidence.
        signer: Who approved it.
        open_key: Opens the key of the ledger.
    """
    with appending(database, open_key) as (connection, appender):
        found = find_prunable(connection, months=months, now=now)
        if not found.row_count:
            return found, None
        subtrees = frontier_of(found.pruned_before)
        nodes = find_nodes(connection, subtrees)
        root = fold([nodes[each] for each in subtrees])
        kept_keys = _once_keys_below(connection, found.pruned_before)
        record = PruningRecord(
            created_at=write_instant(now),
            signer=signer,
            pruned_before=found.pruned_before,
            row_count=found.row_count,
            cut_off=write_instant(found.cut_off),
            retention_months=months,
            root=b64encode(root).decode(),
            once_keys=digest_once_keys(kept_keys),
        )
        appender.add([record])
        _move_hashes(connection, found.pruned_before)
        forget_findings(connection)
    if database.engine.dialect.name == "sqlite":
        with database.read() as connection:  # the log of recent changes has the content as well
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return found, appender.went_back


def digest_once_keys(rows: Iterable[tuple[int, str]]) -> str:
    """Return a digest over the keys that are kept of pruned rows; the row of the pruning signs it.

    Args:
        rows: Number and key of every pruned row that was written once, by number.
    """
    digest = sha256()
    for leaf_index, once_key in rows:
        digest.update(f"{leaf_index} {once_key}\n".encode())
    return digest.hexdigest()


def _once_keys_below(connection: Connection, before: int) -> Iterator[tuple[int, str]]:
    """Return the keys of all rows that will have been pruned, those of earlier prunings included."""
    columns = (
        select(table.c.leaf_index, table.c.once_key).where(table.c.once_key.is_not(None), *conditions)
        for table, conditions in ((PRUNED, ()), (LEDGER, _prunable_rows(before)))
    )
    both = union_all(*columns).subquery()
    ordered = select(both.c.leaf_index, both.c.once_key).order_by(both.c.leaf_index)
    for row in connection.execute(ordered, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield row.leaf_index, row.once_key


def _prunable_rows(before: int) -> tuple[ColumnElement[bool], ...]:
    return LEDGER.c.leaf_index < before, LEDGER.c.metadata_kind.not_in(LEDGER_KINDS)


def _move_hashes(connection: Connection, before: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # the content is overwritten, not only unlinked
    rows = _prunable_rows(before)
    kept = select(LEDGER.c.leaf_index, LEDGER.c.hashes, LEDGER.c.once_key).where(*rows)
    connection.execute(insert(PRUNED).from_select(["leaf_index", "hashes", "once_key"], kept))
    connection.execute(delete(LEDGER).where(*rows))
