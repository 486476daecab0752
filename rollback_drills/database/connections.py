"""The one database that keeps evidence and outbox: SQLite by default, PostgreSQL for several machines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Self

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database.engines import sqlite
from rollback_drills.database.engines.by_url import CHANGED, make_engine
from rollback_drills.database.errors import explained
from rollback_drills.database.upgrade import prepare
from rollback_drills.database.versions import (
    NEWEST,
    find_version,
    refuse_newer,
    require_current,
    require_readable,
)
from rollback_drills.errors.effects import note_effect

_SERVER_TIME: Final = "SELECT extract(epoch FROM clock_timestamp())"


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
        with explained(self.engine):
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
        with explained(self.engine), self.engine.connect() as connection:
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
        with explained(self.engine), self.engine.connect() as connection:
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
        with explained(self.engine), self.engine.connect() as connection:
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
        with explained(self.engine), self.engine.connect() as connection:
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
