"""Compares what defines the tables of an SQLite file with what the program creates."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from rollback_drills.database.tables import METADATA, SINCE
from rollback_drills.database.triggers import create_tables
from rollback_drills.database.versions import UNNUMBERED

_OBJECTS: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_MOST_PROBLEMS: Final = 20
_INSIGNIFICANT: Final = re.compile(r'"|CONSTRAINT \w+ (?=PRIMARY KEY)')
"""What Alembic writes otherwise: it names the primary key of the table with the version."""


class _Name(NamedTuple):
    """A trigger may be called as a table or an index is."""

    is_trigger: bool
    text: str


class _Definition(NamedTuple):
    kind: str
    table: str
    sql: str


_Definitions = Mapping[_Name, _Definition]
_EARLIER: Final[Mapping[_Name, _Definition]] = {
    _Name(False, "ix_ledger_schedule_id"): _Definition(
        "index", "ledger", "CREATE INDEX ix_ledger_schedule_id ON ledger (schedule_id)"
    )
}
"""Indexes that were made before versions were numbered; the first migration removes them."""


def find_tables(connection: Connection) -> Collection[str]:
    """Return the names of the tables that are there, views in place of one included."""
    return [name.text for name, each in _read(connection).items() if each.kind in ("table", "view")]


def find_differences(connection: Connection, version: int) -> Iterator[str]:
    """Return what is not as the program creates it, a sentence each.

    Args:
        connection: Reads the database.
        version: The schema version that it has.
    """
    found, expected = _read(connection), _expected()
    for name, wanted in expected.items():
        if name not in found:
            if SINCE.get(name.text, 0) <= version and _has_place(wanted, found):
                yield f"the {wanted.kind} {name.text}{_place(wanted)} is missing"
        elif found[name].kind != wanted.kind:
            yield f"{name.text} is a {found[name].kind}, not a {wanted.kind}"
        elif found[name] != wanted:
            yield (
                f"the {wanted.kind} {name.text} is not the one that the program creates:"
                f" {found[name].sql[:200]}"
            )
    earlier = _EARLIER if version == UNNUMBERED else {}
    for name, each in found.items():
        is_of_ours = each.kind == "trigger" or each.table in METADATA.tables
        if is_of_ours and name not in expected and each != earlier.get(name):
            yield f"the {each.kind} {name.text}{_place(each)} is not one that the program creates"


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


def _has_place(wanted: _Definition, found: _Definitions) -> bool:
    """Whether an object can be there; what belongs to a missing table is not missing by itself."""
    return wanted.kind == "table" or _Name(False, wanted.table) in found


def _place(each: _Definition) -> str:
    return "" if each.kind == "table" else f" of the table {each.table}"


@cache
def _expected() -> _Definitions:
    with create_engine("sqlite://").connect() as connection:
        create_tables(connection)
        return _read(connection)


def _read(connection: Connection) -> dict[_Name, _Definition]:
    return {
        _Name(kind == "trigger", str(name)): _Definition(
            str(kind), str(table), _INSIGNIFICANT.sub("", re.sub(r"\s+", " ", str(sql)))
        )
        for kind, name, table, sql in connection.exec_driver_sql(_OBJECTS)
        if sql is not None  # the index of a primary key has none
    }
