"""Reads the rows of the ledger as they are stored, valid or not, with bounded memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import merge
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, case, func, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from rollback_drills.database.tables import LEDGER, PRUNED
from rollback_drills.evidence.ledger.canonical import LARGEST_RECORD

COLUMNS: Final = tuple(each.name for each in LEDGER.c if each.name not in {"hashes", "record"})
"""The columns of a row that follow from its record, its number first."""
_AT_ONCE: Final = 1000
_LONGEST_CELL: Final = LARGEST_RECORD + 1_000_000
_LONGEST_HASHES: Final = 64 * 32


class StoredRow(NamedTuple):
    """A row of the ledger, or what is left of one that was pruned; each value is of any type."""

    leaf_index: int
    is_pruned: bool
    hashes: Any
    once_key: Any
    columns: tuple[Any, ...] = ()
    record: Any = None
    problem: str = ""
    """Why it cannot be read; empty if it can."""


@contextmanager
def reading_anything(connection: Connection) -> Iterator[None]:
    """Let a connection return text that is not UTF-8, and refuse cells that are too large for the memory."""
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    usual, usual_text = raw.getlimit(sqlite3.SQLITE_LIMIT_LENGTH), raw.text_factory
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
    raw.text_factory = _decode
    try:
        yield
    finally:
        raw.text_factory = usual_text
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, usual)


def iterate_stored_rows(connection: Connection) -> Iterator[StoredRow]:
    """Return the rows, and what is left of those that were pruned, by their number."""
    kept = [_raw(LEDGER.c[name]) for name in COLUMNS]
    kept.append(_bounded(connection, LEDGER.c.hashes, _LONGEST_HASHES))
    kept.append(_bounded(connection, LEDGER.c.record, LARGEST_RECORD))
    pruned = [_raw(PRUNED.c.leaf_index), _raw(PRUNED.c.once_key)]
    pruned.append(_bounded(connection, PRUNED.c.hashes, _LONGEST_HASHES))
    once = COLUMNS.index("once_key")
    return merge(
        (
            row
            if isinstance(row, StoredRow)
            else StoredRow(row[0], False, row[-2], row[once], tuple(row[:-2]), row[-1])
            for row in _iterate(connection, LEDGER, kept)
        ),
        (
            row if isinstance(row, StoredRow) else StoredRow(row[0], True, row[2], row[1])
            for row in _iterate(connection, PRUNED, pruned)
        ),
        key=lambda row: row.leaf_index,
    )


def _iterate(connection: Connection, table: Table, columns: list[ColumnElement[Any]]) -> Iterator[Any]:
    """Return rows in order; a row that the database cannot give is named, and the next one follows."""
    number = table.c.leaf_index
    after = None
    # rows that are read one at a time, so that an error of SQLite is that of one of the next two rows
    options = {} if connection.dialect.name == "sqlite" else {"yield_per": _AT_ONCE}
    while True:
        rest = select(*columns).order_by(number)
        rest = rest if after is None else rest.where(number > after)
        try:
            for row in connection.execute(rest, execution_options=options):
                if not _is_after(row[0], after):
                    yield StoredRow(-1, table is PRUNED, b"", None, problem=f"its number is {row[0]!r:.80}")
                    continue
                after = row[0]
                yield row
        except DBAPIError:
            if options:
                raise  # PostgreSQL has ended the transaction
            following = select(func.min(number))
            found = connection.scalar(following if after is None else following.where(number > after))
            if not _is_after(found, after):
                raise
            after = found
            yield _read_alone(connection, table, columns, found)
        else:
            return


def _is_after(number: Any, before: int | None) -> bool:
    """Whether a number goes on; a damaged page may lead back, and would be read for ever."""
    return isinstance(number, int) and (before is None or number > before)


def _read_alone(connection: Connection, table: Table, columns: list[ColumnElement[Any]], number: int) -> Any:
    """Read one row; before it returns a row SQLite reads the next one, so that the error may be of that."""
    try:
        found = connection.execute(select(*columns).where(table.c.leaf_index == number)).one_or_none()
    except DBAPIError as error:
        return StoredRow(number, table is PRUNED, b"", None, problem=str(error.orig))
    if found is None:  # the page that led to it is damaged
        return StoredRow(number, table is PRUNED, b"", None, problem="it is missing, but its number is not")
    return found


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column as it is stored; what is no value of its type must not end the reading."""
    return type_coerce(column, NullType())


def _bounded(connection: Connection, column: ColumnElement[Any], most: int) -> ColumnElement[Any]:
    """Return a column without what is too large for it; SQLite has a limit of its own."""
    if connection.dialect.name == "sqlite":
        return _raw(column)
    return type_coerce(case((func.octet_length(column) <= most, column)), NullType())


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
