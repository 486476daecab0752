"""Verifies the ledger in its database."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, null, select, union_all

from rollback_drills.database import Database
from rollback_drills.evidence.appending import columns_of
from rollback_drills.evidence.table import HEADS, LEDGER, PRUNED
from rollback_drills.ledger.merkle import HASH_SIZE, cover, hash_leaf
from rollback_drills.verifying.auditor import Auditor, Trust
from rollback_drills.verifying.findings import FindingKind, Verification

_AT_ONCE: Final = 1000
_COLUMNS: Final = tuple(
    column.name for column in LEDGER.c if column.name not in {"hashes", "record", "once_key"}
)


def verify_ledger(database: Database, trust: Trust, progress: Callable[[int], None]) -> Verification:
    """Verify every row of the ledger, every node of its tree and every signed head.

    Args:
        database: Keeps the ledger.
        trust: What the caller has kept elsewhere.
        progress: Is told now and then how many rows were looked at.

    Raises:
        DatabaseError: The database cannot be read.
    """
    with database.read() as connection, database.read() as heads:
        auditor = Auditor(heads.scalars(select(HEADS.c.note).order_by(HEADS.c.tree_size)), trust)
        for row in _rows(connection):
            _verify_row(auditor, row)
            if row.leaf_index % _AT_ONCE == 0:
                progress(auditor.frontier.size)
        return auditor.finish()


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    """Give the rows, and what is left of those that were pruned, by their number."""
    rest = [null().label(name) for name in _COLUMNS if name != "leaf_index"]
    kept = select(*(LEDGER.c[name] for name in _COLUMNS), LEDGER.c.hashes, LEDGER.c.record)
    pruned = select(PRUNED.c.leaf_index, *rest, PRUNED.c.hashes, null().label("record"))
    both = union_all(kept, pruned).subquery()
    ordered = select(both).order_by(both.c.leaf_index)
    yield from connection.execution_options(yield_per=_AT_ONCE).execute(ordered)


def _verify_row(auditor: Auditor, row: Row[Any]) -> None:
    result, place = auditor.result, auditor.frontier.size
    stored = row.hashes[:HASH_SIZE]
    if row.leaf_index < place:
        result.add(FindingKind.REMOVED, f"row {row.leaf_index} is there twice, once as pruned")
        return
    if row.leaf_index > place:
        last = row.leaf_index - 1
        which = f"row {place} is" if last == place else f"rows {place} to {last} are"
        result.add(FindingKind.REMOVED, f"{which} missing")
        auditor.is_lost = True
        for level, _ in cover(place, row.leaf_index):
            auditor.add_subtree(level, bytes(HASH_SIZE), pruned=False)
    if row.record is None:
        completed = auditor.add_subtree(0, stored, pruned=True)
    else:
        content = row.record.encode()
        problem = _find_problem(row, content, stored)
        if problem:
            result.add(*problem)
        completed = auditor.add_row(stored, content if not problem else b"")
    if completed != row.hashes and not auditor.is_lost:
        result.add(FindingKind.CHANGED, f"the hashes of row {row.leaf_index} were changed")


def _find_problem(row: Row[Any], content: bytes, stored: bytes) -> tuple[FindingKind, str] | None:
    name = f"row {row.leaf_index}"
    try:
        record: dict[str, Any] = msgspec.json.decode(content)
        says = record["leaf_index"]
        expected = columns_of(record)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return FindingKind.CHANGED, f"{name} was changed: it holds no record any more"
    if says != row.leaf_index:
        return FindingKind.REORDERED, f"{name} says that it is row {says}"
    described = f"{name} ({expected['created_at']}, {expected['metadata_kind']})"
    if hash_leaf(content) != stored:
        return FindingKind.CHANGED, f"{described} was changed"
    for column, value in expected.items():
        if getattr(row, column) != value:
            return FindingKind.CHANGED, f"{described} was changed in the column {column}"
    return None
