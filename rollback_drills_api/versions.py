"""Whether anything was written to a database since it was looked at, at the cost of one small question."""

import threading
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database.connections import Database, DatabaseError

_SQLITE_VERSION: Final = "PRAGMA data_version"  # changes for a connection when another one commits
_POSTGRESQL_VERSION: Final = "SELECT pg_current_snapshot()::text"  # when a transaction writes or ends


class DatabaseWatch:
    """Returns an opaque version string that changes with every commit. It never writes."""

    def __init__(self, database: Database) -> None:
        """Watch a database."""
        self._database = database
        self._lock = threading.Lock()
        self._connection: Connection | None = None

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
            return str(self._connection.exec_driver_sql(_SQLITE_VERSION).scalar())
        except SQLAlchemyError as error:
            self._connection = None
            raise DatabaseError(f"the database cannot be used ({type(error).__name__})") from None
