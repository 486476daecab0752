"""Whether anything was written to a database since it was looked at, at the cost of one small question."""

import threading
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database.connections import Database
from rollback_drills.database.engines.sqlite import file_of
from rollback_drills.database.errors import DatabaseError, show_place

_SQLITE_VERSION: Final = "PRAGMA data_version"  # changes for a connection when another one commits
_POSTGRESQL_VERSION: Final = "SELECT pg_current_snapshot()::text"  # when a transaction writes or ends


class DatabaseWatch:
    """Returns an opaque version string that changes with every commit. It never writes."""

    def __init__(self, database: Database) -> None:
        """Watch a database."""
        self._database = database
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._file = file_of(database.engine.url)
        self._identity = self._find_identity()

    def is_replaced(self) -> bool:
        """Return whether another file of SQLite has taken the place of the one that was opened.

        Raises:
            DatabaseError: The file is gone: what is still open of it is no database any more.
        """
        found = self._find_identity()
        if self._file is not None and not found:
            place = show_place(self._database.engine.url)
            raise DatabaseError(f"the database at {place} is gone; put it back")
        return found != self._identity

    def _find_identity(self) -> str:
        """Return what identifies the file on this machine; empty if the file is missing."""
        with suppress(OSError):
            if self._file is not None:
                found = self._file.stat()
                return f"{found.st_dev}-{found.st_ino}"
        return ""

    def version(self) -> str:
        """Return an opaque version string that changes with every commit.

        Raises:
            DatabaseError: The database cannot be reached.
        """
        if self._database.engine.dialect.name == "sqlite":
            with self._lock:
                return self._ask_sqlite()
        with self._database.read() as connection:  # the pool replaces a connection that was lost
            return str(connection.exec_driver_sql(_POSTGRESQL_VERSION).scalar())

    def _ask_sqlite(self) -> str:
        """Ask through one connection that stays open: the answer counts for that connection alone."""
        try:
            if self._connection is None:
                connection = self._database.engine.connect()
                self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            return f"{self._identity}-{self._connection.exec_driver_sql(_SQLITE_VERSION).scalar()}"
        except SQLAlchemyError as error:
            self._connection = None
            raise DatabaseError(f"the database cannot be used ({type(error).__name__})") from None
