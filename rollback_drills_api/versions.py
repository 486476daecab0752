"""Whether anything was written to a database since it was looked at, at the cost of one small question."""

import threading
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database import Database, DatabaseError

_QUESTIONS: Final = {
    "sqlite": "PRAGMA data_version",  # changes for a connection when another one commits
    "postgresql": "SELECT pg_current_snapshot()::text",  # changes when a transaction writes or ends
}


class DatabaseWatch:
    """Asks through one connection that stays open and never writes."""

    def __init__(self, database: Database) -> None:
        """Watch a database."""
        self._database = database
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def version(self) -> str:
        """Give a text that is another one after every commit of anybody.

        Raises:
            DatabaseError: The database cannot be reached.
        """
        with self._lock:
            try:
                if self._connection is None:
                    connection = self._database.engine.connect()
                    self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                question = _QUESTIONS[self._database.engine.dialect.name]
                return str(self._connection.exec_driver_sql(question).scalar())
            except SQLAlchemyError as error:
                self._connection = None
                raise DatabaseError(f"the database cannot be used ({type(error).__name__})") from None
