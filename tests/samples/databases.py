"""Empty databases: of each kind, and made in no time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from rollback_drills.database.connections import Database
from rollback_drills.database.engines import sqlite

POSTGRES = os.environ.get("DRILLS_TEST_POSTGRES", "")
DATABASES = ("sqlite", "postgresql") if POSTGRES else ("sqlite",)


def empty_sqlite(file: Path) -> str:
    """Write an empty database with all its tables, and return its URL."""
    sqlite.create_private(file)
    file.write_bytes(_empty_sqlite())
    return f"sqlite:///{file}"


def open_sqlite(file: Path) -> Database:
    """Open a new and empty database."""
    return Database.at(empty_sqlite(file))


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """Return the URL of an empty database: a file, or a schema of its own that goes away afterwards."""
    if kind == "sqlite":
        yield empty_sqlite(folder / "drills.db")
        return
    schema = f"drills_{uuid4().hex}"
    server = create_engine(POSTGRES)
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    try:
        url = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
        own = url.render_as_string(hide_password=False)
        Database.open(own).engine.dispose()
        yield own
    finally:
        with server.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        server.dispose()


@cache
def _empty_sqlite() -> bytes:
    """Create all tables once in this process, since that takes longer than most tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "drills.db")
        Database.open(f"sqlite:///{file}").engine.dispose()
        return file.read_bytes()
