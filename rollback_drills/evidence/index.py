"""Finds records in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol, Self, TypeVar

import msgspec
from msgspec import UnsetType
from sqlalchemy import ColumnElement, Connection, Select, func, select

from rollback_drills.database.connections import Database, DatabaseError
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.heads import damage
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.written_record import WrittenRecord
from rollback_drills.names.spellings import match

R = TypeVar("R", bound=Record)


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
        """Return the newest records that match, and how many match altogether.

        Raises:
            DatabaseError: A record is damaged.
        """
        with self.database.read() as connection:
            conditions = wanted.to_sql(connection)
            page = _newest(conditions).limit(limit).offset(offset)
            total = connection.scalar(select(func.count()).select_from(LEDGER).where(*conditions))
            rows = [read_row(*row) for row in connection.execute(page).tuples()]
        return rows, total or 0

    def read(self, wanted: EvidenceFilter, of: type[P], *, limit: int = 100) -> list[P]:
        """Return the newest records that match, as their kind.

        Raises:
            DatabaseError: A record is damaged, or of another kind.
        """
        with self.database.read() as connection:
            page = _newest(wanted.to_sql(connection)).limit(limit)
            return [read(*row, of) for row in connection.execute(page).tuples()]

    def get(self, leaf_index: int) -> WrittenRecord | None:
        """Return one record by its number; None if there is none.

        Raises:
            DatabaseError: The record is damaged.
        """
        statement = select(LEDGER.c.record).where(LEDGER.c.leaf_index == leaf_index)
        with self.database.read() as connection:
            text = connection.scalar(statement)
        return None if text is None else read_row(leaf_index, text)


def _newest(conditions: Sequence[ColumnElement[bool]]) -> Select[tuple[int, str]]:
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(*conditions)
    return rows.order_by(LEDGER.c.leaf_index.desc())


def read(leaf_index: int, text: str, of: type[P]) -> P:
    """Return what a row says, as its kind, or as a reader needs it.

    Raises:
        DatabaseError: The row holds no such record any more.
    """
    try:
        record = msgspec.json.decode(text, type=of)
        times = record.times if isinstance(record, Record) else ()
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        raise _lost(leaf_index) from None
    if record.leaf_index != leaf_index or any(each.tzinfo is None for each in times):
        raise _lost(leaf_index)
    return record


def read_all(connection: Connection, of: type[R], *conditions: ColumnElement[bool]) -> list[R]:
    """Return the records of a kind in their order.

    Args:
        connection: Reads the ledger.
        of: The kind.
        conditions: Which of them.

    Raises:
        DatabaseError: A row holds no such record any more.
    """
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(LEDGER.c.metadata_kind == of.kind())
    found = connection.execute(rows.where(*conditions).order_by(LEDGER.c.leaf_index))
    return [read(row.leaf_index, row.record, of) for row in found]


def read_row(leaf_index: int, text: str) -> WrittenRecord:
    """Return the record of a row.

    Raises:
        DatabaseError: The row holds no record any more.
    """
    try:
        record: WrittenRecord = msgspec.json.decode(text, type=WrittenRecord)
        is_record = record["leaf_index"] == leaf_index and isinstance(record["metadata_kind"], str)
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError, RecursionError):
        is_record = False
    if not is_record:
        raise _lost(leaf_index)
    return record


def _lost(leaf_index: int) -> DatabaseError:
    return damage(f"row {leaf_index} holds no record any more")
