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
_MOST_PROBLEMS: Final = 20


class _Name(NamedTuple):
    """A trigger may be called as a table or an index is."""

    is_trigger: bool
    text: str


class _Definition(NamedTuple):
    kind: str
    table: str
    sql: str


_Definitions = Mapping[_Name, _Definition]
_EARLIER: Final[Mapping[_Name, tuple[_Definition, str]]] = {
    _Name(False, "ix_ledger_schedule_id"): (
        _Definition("index", "ledger", "CREATE INDEX ix_ledger_schedule_id ON ledger (schedule_id)"),
        "ledger_by_schedule_and_kind",
    )
}
"""Indexes that earlier versions made, each with the one that stands in its place today."""


def find_tables(connection: Connection) -> Collection[str]:
    """Return the names of the tables that are there, views in place of one included."""
    return [name.text for name, each in _read(connection).items() if each.kind in ("table", "view")]


def find_differences(connection: Connection) -> Iterator[str]:
    """Return what is not as the program creates it, a sentence each."""
    found, expected = _read(connection), _expected()
    ours = {LEDGER.name, PRUNED.name, HEADS.name}
    for name, wanted in expected.items():
        if wanted.kind != "table" and wanted.table not in ours:
            continue
        if name not in found:
            if name.text in ours:
                yield f"the table {name.text} is missing"
            elif wanted.kind != "table" and _is_table(wanted.table, found) and not _is_of_later(name, found):
                yield f"the {wanted.kind} {name.text} of the table {wanted.table} is missing"
        elif found[name].kind != wanted.kind:
            yield f"{name.text} is a {found[name].kind}, not a {wanted.kind}"
        elif wanted.table in ours and found[name] != wanted:
            yield (
                f"the {wanted.kind} {name.text} is not the one that the program creates:"
                f" {found[name].sql[:200]}"
            )
    for name, each in found.items():
        if each.kind != "trigger" and (each.kind != "index" or each.table not in ours):
            continue
        if name not in expected or expected[name].table not in ours:  # of ours it was compared above
            earlier, _ = _EARLIER.get(name, (None, ""))
            if each != earlier:
                what = f"the {each.kind} {name.text} of the table {each.table}"
                yield f"{what} is not one that the program creates"


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


def _is_table(name: str, found: _Definitions) -> bool:
    return _Name(False, name) in found


def _is_of_later(name: _Name, found: _Definitions) -> bool:
    """Whether a database that was not upgraded does without an index."""
    return name.text in ADDED_INDEXES or any(
        name.text == today and earlier in found for earlier, (_, today) in _EARLIER.items()
    )


@cache
def _expected() -> _Definitions:
    with create_engine("sqlite://").connect() as connection:
        create_tables(connection)
        return _read(connection)


def _read(connection: Connection) -> dict[_Name, _Definition]:
    return {
        _Name(kind == "trigger", str(name)): _Definition(
            str(kind), str(table), re.sub(r"\s+", " ", str(sql)).replace('"', "")
        )
        for kind, name, table, sql in connection.exec_driver_sql(_OBJECTS)
        if sql is not None  # the index of a primary key has none
    }
