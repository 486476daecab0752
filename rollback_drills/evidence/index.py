"""Finds records in the ledger."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final, Protocol, Self, TypeVar

import msgspec
from msgspec import UnsetType
from sqlalchemy import ColumnElement, Connection, func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.heads import damage
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.written_record import WrittenRecord, text_of
from rollback_drills.names.spellings import match

_logger = logging.getLogger(__name__)
R = TypeVar("R", bound=Record)
T = TypeVar("T")
_LARGEST_INDEX: Final = 2**63 - 1  # of a column
NEVER: Final = datetime.min.replace(tzinfo=UTC)
_ERRORS: Final = (msgspec.MsgspecError, LookupError, TypeError, ValueError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class EvidenceFilter:
    """Which records are wanted; None matches everything (contract §6)."""

    schedule_id: str | None = None
    cycle_id: str | None = None
    provider: str | None = None
    owner: str | None = None
    action: str | None = None
    category: str | None = None
    metadata_kind: str | None = None
    session_id: str | None = None
    success: bool | None = None

    def to_sql(self, connection: Connection) -> list[ColumnElement[bool]]:
        """Return the conditions that are not None; names match in any spelling."""
        wanted = ((field.name, getattr(self, field.name)) for field in fields(self))
        return match(connection, LEDGER, [(name, value) for name, value in wanted if value is not None])


class LedgerRow(msgspec.Struct, frozen=True, gc=False):
    """What a reader needs of a row: its number, and what a reader of one kind adds."""

    leaf_index: int


class Placed(Protocol):
    """What says which row it stands in."""

    @property
    def leaf_index(self) -> int | UnsetType:
        """The number of the row."""


P = TypeVar("P", bound=Placed)


class EvidenceIndex:
    """The records of the ledger, for reading."""

    def __init__(self, database: Database) -> None:
        """Read the ledger of a database."""
        self.database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the index at a database URL for writing; create or upgrade it first.

        Raises:
            UsageError: The URL is no database URL.
            DatabaseError: The database cannot be reached or written.
        """
        return cls(Database.open(url))

    @classmethod
    def open_existing(cls, url: str, *tables: str) -> Self | None:
        """Open the index at a database URL; None if there is none yet. Writes nothing.

        Args:
            url: Of the database.
            tables: It has one of these; without any, the ledger.

        Raises:
            UsageError: The URL is no database URL.
            DatabaseError: The database cannot be reached.
        """
        found = (Database.open_existing(url, table) for table in tables or (LEDGER.name,))
        database = next(filter(None, found), None)
        return cls(database) if database else None

    def find(
        self, wanted: EvidenceFilter, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[WrittenRecord], int]:
        """Return the newest records that match, and how many match, also of those that are damaged."""
        with self.database.read() as connection:
            conditions = wanted.to_sql(connection)
            rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(*conditions)
            page = rows.order_by(LEDGER.c.leaf_index.desc()).limit(limit).offset(offset)
            total = connection.scalar(select(func.count()).select_from(LEDGER).where(*conditions))
            found = [record for _, record in read_written(connection.execute(page).tuples())]
        return found, total or 0

    def read(self, wanted: EvidenceFilter, of: type[P], *, limit: int = 100) -> list[P]:
        """Return the newest records that match, as their kind; see `read_rows`."""
        with self.database.read() as connection:
            conditions = wanted.to_sql(connection)
            return [*iterate_records(connection, of, *conditions, newest_first=True, limit=limit)]

    def get(self, leaf_index: int) -> WrittenRecord | None:
        """Return one record by its number; None if there is none.

        Raises:
            DatabaseError: The record is damaged.
        """
        if leaf_index > _LARGEST_INDEX:
            return None
        statement = select(LEDGER.c.record).where(LEDGER.c.leaf_index == leaf_index)
        with self.database.read() as connection:
            text = connection.scalar(statement)
        return None if text is None else read_row(leaf_index, text)


def iterate_records(
    connection: Connection,
    of: type[P],
    *conditions: ColumnElement[bool],
    newest_first: bool = False,
    limit: int | None = None,
) -> Iterator[P]:
    """Yield the records that meet conditions, in their order or the newest first; see `read_rows`."""
    place = LEDGER.c.leaf_index
    rows = select(place, LEDGER.c.record).where(*conditions).limit(limit)
    ordered = rows.order_by(place.desc() if newest_first else place)
    return read_rows(connection.execute(ordered).tuples(), of)


def read_rows(rows: Iterable[tuple[int, str]], of: type[P]) -> Iterator[P]:
    """Yield what rows say that somebody looks through, as their kind, or as the reader needs it.

    A row that holds no such record any more is left out, and a warning names it: one bad row does not stop
    the others.

    Args:
        rows: Their numbers and records.
        of: Has the fields that are needed.
    """
    return (record for _, record in _keep_readable(rows, lambda row, text: read(row, text, of)))


def read_written(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, WrittenRecord]]:
    """Yield the numbers and contents of rows of any kind; see `read_rows`."""
    return _keep_readable(rows, read_row)


def read_if_readable(leaf_index: int, text: str, of: type[P]) -> P | None:
    """Return what a row says; None if it holds no such record any more, and a warning names it."""
    return next(read_rows([(leaf_index, text)], of), None)


def _keep_readable(
    rows: Iterable[tuple[int, str]], decode: Callable[[int, str], T]
) -> Iterator[tuple[int, T]]:
    for leaf_index, text in rows:
        try:
            record = decode(leaf_index, text)
        except DatabaseError as error:
            _logger.warning("%s; it is left out", error)
        else:
            yield leaf_index, record


def read(leaf_index: int, text: str, of: type[P]) -> P:
    """Return what the one row says that somebody asks for, as its kind, or as a reader needs it.

    Raises:
        DatabaseError: The row holds no such record any more.
    """
    try:
        record = msgspec.json.decode(text, type=of)
        times = record.times if isinstance(record, Record) else ()
    except _ERRORS:
        raise _lost(leaf_index) from None
    if record.leaf_index != leaf_index or any(each.tzinfo is None for each in times):
        raise _lost(leaf_index)
    return record


def read_all(connection: Connection, of: type[R], *conditions: ColumnElement[bool]) -> list[R]:
    """Return the records of a kind in their order; see `read_rows`.

    Args:
        connection: Reads the ledger.
        of: The kind.
        conditions: Which of them.
    """
    return [*iterate_records(connection, of, LEDGER.c.metadata_kind == of.kind(), *conditions)]


def read_row(leaf_index: int, text: str) -> WrittenRecord:
    """Return the record of a row, which was written at some time.

    Raises:
        DatabaseError: The row holds no record any more.
    """
    try:
        record: WrittenRecord = msgspec.json.decode(text, type=WrittenRecord)
        written_at = datetime.fromisoformat(text_of(record, "created_at"))
        is_kind = record["leaf_index"] == leaf_index and isinstance(record["metadata_kind"], str)
        is_record = is_kind and written_at.tzinfo is not None
    except _ERRORS:
        is_record = False
    if not is_record:
        raise _lost(leaf_index)
    return record


def read_time(created_at: object) -> datetime:
    """Return the time in the column of a row; if somebody changed it, the earliest time."""
    try:
        at = datetime.fromisoformat(created_at) if isinstance(created_at, str) else NEVER
    except ValueError:
        return NEVER
    return at if at.tzinfo else NEVER


def _lost(leaf_index: int) -> DatabaseError:
    return damage(f"row {leaf_index} holds no record any more")
