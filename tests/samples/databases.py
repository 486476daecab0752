"""Empty databases: of each kind, and made in no time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.database.engines import sqlite
from tests.samples.schemas import POSTGRES, empty_schema

DATABASES = ("sqlite", "postgresql") if POSTGRES else ("sqlite",)
only_on_sqlite = pytest.mark.parametrize("url", DATABASES[:1], indirect=True)
only_on_postgresql = pytest.mark.parametrize("url", DATABASES[1:], indirect=True)
chiefly_on_sqlite = pytest.mark.parametrize(
    "url",
    [*DATABASES[:1], *(pytest.param(each, marks=pytest.mark.chaos) for each in DATABASES[1:])],
    indirect=True,
)
"""Marks a test of rules that takes long, and whose queries others run: `make chaos` has it on PostgreSQL."""


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
    """Return the URL of an empty database: a file, or a schema that nobody else uses."""
    if kind == "sqlite":
        yield empty_sqlite(folder / "drills.db")
        return
    # no test is about a server that loses its power, so that none waits for its disk
    with empty_schema("synchronous_commit=off") as url:
        yield url


@cache
def _empty_sqlite() -> bytes:
    """Create all tables once in this process, since that takes longer than most tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "drills.db")
        Database.open(f"sqlite:///{file}").engine.dispose()
        return file.read_bytes()
