"""Makes the engine for the URL of a database."""

import os
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database.engines import sqlite
from rollback_drills.errors import UsageError
from rollback_drills.errors.extras import describe_missing
from rollback_drills.names.environment_variables import find_setting

CHANGED: Final = "rows_changed"
"""Under this name a connection notes that rows were changed."""
_NO_URL: Final = "is no usable database URL; write it like sqlite:///evidence.db or postgresql+psycopg://user@host/database"


def make_engine(url: str) -> Engine:
    """Return an engine that notes in each connection whether rows were changed.

    Raises:
        UsageError: The URL is not a database URL.
    """
    try:
        engine = _connect_to(make_url(url))
    except ImportError as error:
        raise UsageError(
            find_setting("database_url", os.environ), f" {describe_missing(error) or _NO_URL}"
        ) from None
    except (SQLAlchemyError, ValueError):
        raise UsageError(find_setting("database_url", os.environ), f" {_NO_URL}") from None
    event.listen(engine, "after_cursor_execute", _note_change)
    return engine


def _connect_to(url: URL) -> Engine:
    if url.get_dialect().is_async:  # such as the URL of Prefect's database
        raise ValueError(url.drivername)
    if url.get_backend_name() == "sqlite":
        return sqlite.make_engine(url)
    if url.get_backend_name() == "postgresql":
        from rollback_drills.database.engines import postgresql  # not for SQLite

        return postgresql.make_engine(url)
    return create_engine(url)


def _note_change(
    connection: Connection, cursor: Any, _statement: str, _parameters: Any, context: Any, _executemany: bool
) -> None:
    # a row count of -1 is one that the driver does not know
    if (context.isinsert or context.isupdate or context.isdelete) and cursor.rowcount != 0:
        connection.info[CHANGED] = True
