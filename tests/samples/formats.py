"""Databases of earlier versions: the dumps in tests/formats, in SQLite and in PostgreSQL."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, MetaData, Table, create_engine, delete, func, insert, select, text

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import METADATA, OUTBOX, SCHEMA_VERSION
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from tests.checkout import ROOT
from tests.samples.builders import KEY

FOLDER: Final = ROOT / "tests" / "formats"
FORMATS: Final = sorted(each.stem for each in FOLDER.glob("*.sql"))
FIRST: Final = "first"


def load(name: str, url: str) -> Database:
    """Make an empty database one of a format, and open it without an upgrade.

    Args:
        name: Of the dump.
        url: Of a database that has all tables of today and no rows.
    """
    database = Database.at(url)
    if database.engine.dialect.name == "sqlite":
        file = Path(str(database.engine.url.database))
        file.unlink()
        restore(name, file)
    else:
        _copy(name, database)
    return database


def open_key_of(name: str) -> Callable[[PublicKey | None], SigningKey]:
    """Return what opens the key of a dump; a dump without a ledger has none."""
    written = (FOLDER / f"{name}.sql").open().readline().removeprefix("--").strip()
    key = SigningKey.parse(written) if written else KEY
    return lambda _: key


def read_documents() -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return the schedules that the last check of each dump was about, with their drills."""
    folder = FOLDER / "documents" / "after"
    return {
        each.name.removesuffix("-schedule.json"): (
            json.loads(each.read_text()),
            json.loads((folder / each.name.replace("schedule", "history")).read_text())["drills"],
        )
        for each in folder.glob("*-schedule.json")
    }


def restore(name: str, file: Path) -> None:
    """Run the statements of a dump in a file."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((FOLDER / f"{name}.sql").read_text())


def _copy(name: str, database: Database) -> None:
    """Copy the rows of a dump into PostgreSQL, and leave out the tables and indexes that it does not have."""
    source = create_engine("sqlite://")
    raw = source.raw_connection()
    raw.driver_connection.executescript((FOLDER / f"{name}.sql").read_text())  # type: ignore[union-attr]
    found = MetaData()
    found.reflect(source)
    with source.connect() as old, database.engine.begin() as new:
        _make_tables(new, found)
        if SCHEMA_VERSION.name in found.tables:
            new.execute(delete(SCHEMA_VERSION))
        for table in found.sorted_tables:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            target = METADATA.tables.get(table.name, table)
            if rows:
                new.execute(insert(target), rows)
        if OUTBOX.name in found.tables:
            new.execute(
                select(
                    func.setval("outbox_sequence_seq", select(func.max(OUTBOX.c.sequence)).scalar_subquery())
                )
            )
    source.dispose()
    database.engine.dispose()


def _make_tables(connection: Connection, found: MetaData) -> None:
    for table in METADATA.tables.values():
        if table.name not in found.tables:
            connection.execute(text(f"DROP TABLE {table.name} CASCADE"))
    for table in found.tables.values():
        if table.name not in METADATA.tables:
            table.create(connection)
        else:
            _make_indexes(connection, table)


def _make_indexes(connection: Connection, table: Table) -> None:
    wanted, today = (
        {str(each.name): each for each in of.indexes} for of in (table, METADATA.tables[table.name])
    )
    for name in today.keys() - wanted.keys():
        connection.execute(text(f"DROP INDEX {name}"))
    for name in wanted.keys() - today.keys():
        wanted[name].create(connection)
