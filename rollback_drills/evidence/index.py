"""The append-only evidence index, in any database that SQLAlchemy speaks; SQLite by default."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    Text,
    func,
    insert,
    select,
)

from rollback_drills.database import METADATA, Database
from rollback_drills.readiness.terms import Report

_records: Final = Table(
    "evidence",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("created_at", String(40), nullable=False, index=True),
    Column("metadata_kind", String(80), nullable=False),
    Column("session_id", String(120), nullable=False),
    Column("schedule_id", Text, nullable=False, index=True),
    Column("cycle_id", String(40), nullable=False, index=True),
    Column("provider", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("action", String(20), nullable=False),
    Column("category", String(40), nullable=False),
    Column("success", Boolean, nullable=True),
    Column("record", JSON, nullable=False),
)


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

    def to_sql(self) -> list[ColumnElement[bool]]:
        """Give the conditions that are not None."""
        wanted = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [_records.c[name] == value for name, value in wanted if value is not None]


class EvidenceIndex:
    """Records in the order in which they were written. Nothing here changes or removes one."""

    def __init__(self, database: Database) -> None:
        """Keep the records in a database."""
        self._database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the index at a database URL, and create what is missing.

        Raises:
            UsageError: The URL is no database URL.
            DatabaseError: The database cannot be reached or written.
        """
        return cls(Database.open(url))

    @classmethod
    def open_existing(cls, url: str) -> Self | None:
        """Open the index at a database URL; None if there is none yet. Writes nothing.

        Raises:
            UsageError: The URL is no database URL.
            DatabaseError: The database cannot be reached.
        """
        database = Database.open_existing(url, _records.name)
        return cls(database) if database else None

    def append(self, records: Iterable[Report]) -> None:
        """Add records, all of them or none."""
        with self._database.write() as connection:
            add_records(connection, records)

    def find(self, wanted: EvidenceFilter, *, limit: int = 100, offset: int = 0) -> tuple[list[Report], int]:
        """Give the newest records that match, each with its `sequence`, and how many match altogether."""
        conditions = wanted.to_sql()
        page = select(_records.c.sequence, _records.c.record).where(*conditions)
        page = page.order_by(_records.c.sequence.desc()).limit(limit).offset(offset)
        with self._database.read() as connection:
            total = connection.scalar(select(func.count()).select_from(_records).where(*conditions))
            rows = [{"sequence": row.sequence, **row.record} for row in connection.execute(page)]
        return rows, total or 0

    def get(self, sequence: int) -> Report | None:
        """Give one record by its number."""
        statement = select(_records.c.record).where(_records.c.sequence == sequence)
        with self._database.read() as connection:
            record = connection.scalar(statement)
        return None if record is None else {"sequence": sequence, **record}


def add_records(connection: Connection, records: Iterable[Report]) -> int:
    """Add records within a transaction; give how many."""
    rows = [_row(record) for record in records]
    if rows:
        connection.execute(insert(_records), rows)
    return len(rows)


def _row(record: Report) -> dict[str, Any]:
    return {
        "created_at": record["created_at"],
        "metadata_kind": record["metadata_kind"],
        "session_id": record["session_id"],
        "schedule_id": record["schedule_id"],
        "cycle_id": record["cycle_id"],
        "provider": record.get("provider", ""),
        "owner": record.get("owner", ""),
        "action": record.get("action", ""),
        "category": record.get("category", ""),
        "success": record.get("delivery_success"),
        "record": record,
    }
