"""Compares what defines the evidence tables of an SQLite file with what the program creates."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from rollback_drills.database.tables import ADDED_INDEXES, HEADS, LEDGER, PRUNED
from rollback_drills.database.triggers import create_tables

_OBJECTS: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_EARLIER: Final = {"ix_ledger_schedule_id": "ledger_by_schedule_and_kind"}
"""Indexes that earlier versions made, each with the one that stands in its place today."""
_MOST_PROBLEMS: Final = 20


class _Definition(NamedTuple):
    kind: str
    table: str
    sql: str


def find_tables(connection: Connection) -> Collection[str]:
    """Return the names of the tables that are there, views in place of one included."""
    return [name for name, each in _read(connection).items() if each.kind in ("table", "view")]


def find_differences(connection: Connection) -> Iterator[str]:
    """Return what is not as the program creates it, a sentence each."""
    found, expected = _read(connection), _expected()
    ours = {LEDGER.name, PRUNED.name, HEADS.name}
    for name, wanted in expected.items():
        if wanted.kind != "table" and wanted.table not in ours:
            continue
        if name not in found:
            if name in ours:
                yield f"the table {name} is missing"
            elif wanted.kind != "table" and wanted.table in found and not _is_of_later(name, found):
                yield f"the {wanted.kind} {name} of the table {wanted.table} is missing"
        elif found[name].kind != wanted.kind:
            yield f"{name} is a {found[name].kind}, not a {wanted.kind}"
        elif wanted.table in ours and found[name] != wanted:
            yield f"the {wanted.kind} {name} is not the one that the program creates: {found[name].sql[:200]}"
    for name, each in found.items():
        is_foreign = name not in expected and name not in _EARLIER
        if is_foreign and (each.kind == "trigger" or (each.kind == "index" and each.table in ours)):
            yield f"the {each.kind} {name} of the table {each.table} is not one that the program creates"


def find_file_damage(connection: Connection) -> Iterator[str]:
    """Return what the database itself finds wrong with its file, a sentence each."""
    try:
        for (problem,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_PROBLEMS})"):
            if problem != "ok":
                yield f"the database file is damaged: {problem}"
    except DBAPIError as error:
        if "CORRUPT" not in getattr(error.orig, "sqlite_errorname", ""):
            raise
        yield f"the database file is damaged: {error.orig}"


def _is_of_later(name: str, found: Mapping[str, _Definition]) -> bool:
    """Whether a database that was not upgraded does without an index."""
    return name in ADDED_INDEXES or any(
        name == today and earlier in found for earlier, today in _EARLIER.items()
    )


@cache
def _expected() -> Mapping[str, _Definition]:
    with create_engine("sqlite://").connect() as connection:
        create_tables(connection)
        return _read(connection)


def _read(connection: Connection) -> dict[str, _Definition]:
    return {
        str(name): _Definition(str(kind), str(table), re.sub(r"\s+", " ", str(sql)).replace('"', ""))
        for kind, name, table, sql in connection.exec_driver_sql(_OBJECTS)
        if sql is not None  # the index of a primary key has none
    }
