"""The append-only evidence index, in any database that SQLAlchemy speaks; SQLite by default."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.evidence.records import ROUTE_DELIVERY_KIND
from rollback_drills.readiness.terms import Readiness, Report
from rollback_drills.routing.repeats import Told

_metadata = MetaData()
_records: Final = Table(
    "evidence",
    _metadata,
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


class EvidenceError(DrillsError):
    """The evidence index cannot be read or written; the message names the database without its password."""


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

    def __init__(self, engine: Engine) -> None:
        """Keep the records behind an engine; `open` makes one."""
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the index at a database URL, and create what is missing.

        Raises:
            UsageError: The URL is no database URL.
            EvidenceError: The database cannot be reached or written.
        """
        engine = _make_engine(url)
        with _explained(engine):
            if file := _sqlite_file(engine):
                file.parent.mkdir(parents=True, exist_ok=True)
            _create_table(engine)
        return cls(engine)

    @classmethod
    def open_existing(cls, url: str) -> Self | None:
        """Open the index at a database URL; None if there is none yet. Writes nothing.

        Raises:
            UsageError: The URL is no database URL.
            EvidenceError: The database cannot be reached.
        """
        engine = _make_engine(url)
        file = _sqlite_file(engine)
        if file and not file.exists():
            return None
        with _explained(engine):
            return cls(engine) if inspect(engine).has_table(_records.name) else None

    def append(self, records: Iterable[Report]) -> None:
        """Add records, all of them or none."""
        rows = [_row(record) for record in records]
        if rows:
            with _explained(self._engine), self._engine.begin() as connection:
                connection.execute(insert(_records), rows)

    def find(self, wanted: EvidenceFilter, *, limit: int = 100, offset: int = 0) -> tuple[list[Report], int]:
        """Give the newest records that match, each with its `sequence`, and how many match altogether."""
        conditions = wanted.to_sql()
        page = select(_records.c.sequence, _records.c.record).where(*conditions)
        page = page.order_by(_records.c.sequence.desc()).limit(limit).offset(offset)
        with _explained(self._engine), self._engine.connect() as connection:
            total = connection.scalar(select(func.count()).select_from(_records).where(*conditions))
            rows = [{"sequence": row.sequence, **row.record} for row in connection.execute(page)]
        return rows, total or 0

    def get(self, sequence: int) -> Report | None:
        """Give one record by its number."""
        statement = select(_records.c.record).where(_records.c.sequence == sequence)
        with _explained(self._engine), self._engine.connect() as connection:
            record = connection.scalar(statement)
        return None if record is None else {"sequence": sequence, **record}

    def last_told(self, schedule_ids: Iterable[str]) -> dict[str, Told]:
        """Give, by route key, the last notification that a provider took, for the given schedules."""
        wanted = list(schedule_ids)
        told: dict[str, Told] = {}
        with _explained(self._engine), self._engine.connect() as connection:
            for start in range(0, len(wanted), _IN_AT_MOST):
                statement = (
                    select(_records.c.record)
                    .where(
                        _records.c.metadata_kind == ROUTE_DELIVERY_KIND,
                        _records.c.success.is_(True),
                        _records.c.schedule_id.in_(wanted[start : start + _IN_AT_MOST]),
                    )
                    .order_by(_records.c.sequence)
                )
                for record in connection.scalars(statement):
                    at = datetime.fromisoformat(record["generated_at"])
                    told[record["route_key"]] = Told(at, Readiness(record["status"]))
        return told


_IN_AT_MOST: Final = 500  # every database takes at least this many parameters


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


def _make_engine(url: str) -> Engine:
    try:
        engine = create_engine(make_url(url))
    except (SQLAlchemyError, ImportError, ValueError):
        raise UsageError(
            "DRILLS_DATABASE_URL is no usable database URL; write it like sqlite:///evidence.db"
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _make_durable)
    return engine


def _create_table(engine: Engine) -> None:
    try:
        _metadata.create_all(engine)
    except SQLAlchemyError:
        if not inspect(engine).has_table(_records.name):  # else another process was quicker
            raise


def _sqlite_file(engine: Engine) -> Path | None:
    return Path(engine.url.database) if engine.dialect.name == "sqlite" and engine.url.database else None


def _make_durable(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        place = engine.url.difference_update_query(["password"]).render_as_string(hide_password=True)
        raise EvidenceError(f"the evidence index at {place} cannot be used: {cause}") from None
