"""The one database that keeps evidence and outbox: SQLite by default, PostgreSQL for several machines."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Final, ParamSpec, Self, TypeVar

import msgspec
from sqlalchemy import URL, Connection, Engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database.engines import sqlite
from rollback_drills.database.engines.by_url import CHANGED, make_engine
from rollback_drills.database.format_problem import FormatProblem
from rollback_drills.database.upgrade import prepare
from rollback_drills.database.versions import (
    NEWEST,
    find_version,
    refuse_newer,
    require_current,
    require_readable,
)
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import note_effect

_CONFLICTS: Final = frozenset({"40001", "40P01"})
"""SQLSTATE of a serialization failure and of a deadlock (PostgreSQL, appendix A)."""
_REMEDIES: Final = {
    "SQLITE_READONLY": "; make the file and its folder writable for this user",
    "SQLITE_NOTADB": "; set DRILLS_DATABASE_URL to another file",
    "SQLITE_BUSY": "; another program holds it for too long: end that program, or try again later",
    "SQLITE_CANTOPEN": "; correct the path in DRILLS_DATABASE_URL, or let this user open the file",
    "SQLITE_CORRUPT": "; restore a backup",
    "SQLITE_FULL": "; free some space",
    "SQLITE_IOERR": "; look whether the disk is full or damaged",
    "25006": "; use a role that may write, and a server that is no standby",
    "55P03": "; another transaction held a lock for too long: look for it in pg_stat_activity",
    "57014": "; raise statement_timeout for this role if the database is that large",
}
"""What to do, by SQLite's name or the SQLSTATE of an error."""
_MOST_CONFLICTS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 0.2

_SERVER_TIME: Final = "SELECT extract(epoch FROM clock_timestamp())"

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseError(DrillsError):
    """The database cannot be read or written; the message names it without its password."""


class ConflictError(DatabaseError):
    """Two transactions stood in each other's way, and the database has ended this one; it can be repeated."""


def repeat_on_conflict(change: Callable[P, T]) -> Callable[P, T]:
    """Run a transaction again if the database rolled it back because of another one."""

    @wraps(change)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(_MOST_CONFLICTS):
            try:
                return change(*args, **kwargs)
            except ConflictError:
                time.sleep(random.random() * _LONGEST_PAUSE_SECONDS)  # noqa: S311 - needs no secrecy
        return change(*args, **kwargs)

    return repeated


class Database:
    """Transactions on the database, with errors that a person can read."""

    def __init__(self, engine: Engine) -> None:
        """Use an engine; `open` makes one."""
        self.engine = engine
        self._is_current = False

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the database at a URL without asking for it yet.

        Raises:
            UsageError: The URL is not a database URL.
        """
        return cls(make_engine(url))

    @classmethod
    def open(cls, url: str, *, upgrade: bool = True) -> Self:
        """Open the database at a URL for writing; see `prepare`.

        Raises:
            UsageError: The URL is not a database URL.
            DatabaseError: The database cannot be reached or written, or has another format.
        """
        database = cls.at(url)
        database.prepare(upgrade=upgrade)
        return database

    @classmethod
    def open_existing(cls, url: str, table: str) -> Self | None:
        """Open the database at a URL; None if it has no such table yet. Writes nothing.

        Raises:
            UsageError: The URL is not a database URL.
            DatabaseError: The database cannot be reached, or has a format that cannot be read.
        """
        database, is_there = cls.at(url), False
        try:
            is_there = database.has(table)
        finally:
            if not is_there:
                database.engine.dispose()
        return database if is_there else None

    def prepare(self, *, upgrade: bool = True) -> int | None:
        """Create the file and the tables, or upgrade those of an earlier version.

        Args:
            upgrade: Whether a database of an earlier version may be upgraded.

        Returns:
            The schema version that it had; None if there was none.

        Raises:
            DatabaseError: The database cannot be reached or written, or has another format.
        """
        with _explained(self.engine):
            if file := sqlite.file_of(self.engine.url):
                sqlite.create_private(file)
            version = prepare(self.engine, upgrade=upgrade)
            self._is_current = True
        return version

    def find_version(self) -> int | None:
        """Return the schema version; None if nothing was written yet. Creates no file.

        Raises:
            DatabaseError: The database cannot be reached, or has the format of a newer or another program.
        """
        file = sqlite.file_of(self.engine.url)
        if file and not file.exists():
            return None
        with _explained(self.engine), self.engine.connect() as connection:
            version = find_version(connection)
            if version is not None:
                refuse_newer(version)
            return version

    def is_outdated(self) -> bool:
        """Return whether an earlier version wrote the database, as `find_version`."""
        version = NEWEST if self._is_current else self.find_version()
        return version is not None and version < NEWEST

    def has(self, table: str) -> bool:
        """Return whether a table is there; creates no file.

        Raises:
            DatabaseError: The database cannot be reached, or has a format that cannot be read.
        """
        file = sqlite.file_of(self.engine.url)
        if file and not file.exists():
            return False
        with _explained(self.engine), self.engine.connect() as connection:
            require_readable(connection)
            return inspect(connection).has_table(table)

    def clock(self) -> Callable[[], float]:
        """Return the clock that all hosts on this database share: that of the PostgreSQL server.

        A lease or a due time then means the same to the host that wrote it and to every other one. On SQLite
        it is the time of this host. The clock that is returned goes on steadily, though the time is set.

        Raises:
            DatabaseError: The database cannot be reached.
        """
        began = self._read_time() - time.monotonic()
        return lambda: began + time.monotonic()

    def now(self) -> datetime:
        """Return the time of that clock."""
        return datetime.fromtimestamp(self._read_time(), UTC)

    @property
    def is_on_one_host(self) -> bool:
        """Whether all processes on the database share a host; the write-ahead log of SQLite needs that."""
        return self.engine.dialect.name == "sqlite"

    def _read_time(self) -> float:
        if self.engine.dialect.name != "postgresql":
            return time.time()
        with self.read() as connection:
            return float(connection.exec_driver_sql(_SERVER_TIME).scalar_one())

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read in one connection.

        Raises:
            DatabaseError: The database cannot be used.
        """
        with _explained(self.engine), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read everything as it is at one instant, whatever others write meanwhile.

        Raises:
            DatabaseError: The database cannot be used.
        """
        with self.read() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Write in one transaction, which is on disk when this ends without an error.

        Raises:
            DatabaseError: The database cannot be used, or has another format; nothing was written.
        """
        if not self._is_current:
            with self.read() as connection:
                require_current(connection)
            self._is_current = True
        with _explained(self.engine), self.engine.connect() as connection:
            connection.info.pop(CHANGED, None)
            if self.engine.dialect.name == "sqlite":
                # At once a writer: a reader that turns writer fails when another one wrote meanwhile.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            has_changed = connection.info.pop(CHANGED, False)
            try:
                connection.commit()
            except SQLAlchemyError:
                if has_changed and connection.invalidated:  # the answer was lost: it may be on disk
                    note_effect()
                raise
            if has_changed:
                note_effect()


def show_place(url: URL | str) -> str:
    """Return the URL of a database as it may be shown: without its password."""
    return make_url(url).difference_update_query(["password"]).render_as_string(hide_password=True)


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError, FormatProblem) as error:
        cause = getattr(error, "orig", None) or error
        sqlstate = getattr(cause, "sqlstate", None)
        kind = ConflictError if sqlstate in _CONFLICTS else DatabaseError
        place = show_place(engine.url)
        name = getattr(cause, "sqlite_errorname", sqlstate) or ""
        family = "_".join(name.split("_")[:2])  # SQLITE_CANTOPEN_ISDIR is SQLITE_CANTOPEN
        remedy = _REMEDIES.get(family, "")
        raise kind(f"the database at {place} cannot be used: {cause}{remedy}") from None
    except UnicodeDecodeError:  # what sqlite3 raises if an error quotes a name that was damaged
        what = "cannot be used: a name in it is no text; restore a backup"
        raise DatabaseError(f"the database at {show_place(engine.url)} {what}") from None
    except msgspec.MsgspecError:  # what readers of rows raise
        what = "has a row that cannot be read; `drills evidence verify` shows what happened"
        raise DatabaseError(f"the database at {show_place(engine.url)} {what}") from None
