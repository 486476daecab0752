"""Finds in the database every spelling of a name: a document may spell it otherwise than an earlier one."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select

from rollback_drills.names.keys import name_key

NAMES: Final = frozenset({"schedule_id", "provider", "owner"})
"""The columns that hold names."""


def find_spellings(
    connection: Connection, column: Column[str], names: Iterable[str], *within: ColumnElement[bool]
) -> list[str]:
    """Return every text of a column that is one of these names, in any spelling.

    Args:
        connection: Reads the table.
        column: Holds names.
        names: The wanted ones, in any spelling.
        within: The rows that are looked at.
    """
    texts = keep_texts(connection.scalars(select(column).where(*within).distinct()))
    keys = set(map(name_key, names)) if texts else ()
    return [text for text in texts if name_key(text) in keys]


def find_spellings_by_index(connection: Connection, column: Column[str], names: Iterable[str]) -> list[str]:
    """Return the same for a column that an index begins with, one step for each text and not for each row."""
    return [text for some in group_spellings(connection, column, names).values() for text in some]


def group_spellings(
    connection: Connection, column: Column[str], names: Iterable[str]
) -> dict[str, list[str]]:
    """Return by key the spellings of each name, of a column that an index begins with."""
    found: dict[str, list[str]] = {name_key(name): [] for name in names}
    for text in walk(connection, column) if found else ():
        if (key := name_key(text)) in found:
            found[key].append(text)
    return found


def walk(connection: Connection, column: Column[str]) -> Sequence[str]:
    """Return the distinct texts of a column that an index begins with.

    Neither database skips along an index for DISTINCT.
    """
    steps = select(func.min(column).label("text")).cte("steps", recursive=True)
    following = select(func.min(column)).where(column > steps.c.text).scalar_subquery()
    steps = steps.union_all(select(following).where(steps.c.text.is_not(None)))
    return keep_texts(connection.scalars(select(steps.c.text).where(steps.c.text.is_not(None))).all())


def keep_texts(found: Iterable[object]) -> list[str]:
    """Leave out what is no text: somebody changed that row, and nothing else is to suffer."""
    return [text for text in found if isinstance(text, str)]


def match(
    connection: Connection,
    table: Table,
    wanted: Iterable[tuple[str, object]],
    *within: ColumnElement[bool],
) -> list[ColumnElement[bool]]:
    """Return the conditions that rows must meet: names in any spelling, other values exactly.

    Args:
        connection: Reads the table.
        table: The table.
        wanted: Column and value.
        within: Further conditions, which are returned too.
    """
    conditions = list(within)
    for name, value in wanted:
        column = table.c[name]
        if name == "schedule_id":
            conditions.append(column.in_(find_spellings_by_index(connection, column, [str(value)])))
        elif name in NAMES:
            conditions.append(column.in_(find_spellings(connection, column, [str(value)], *conditions)))
        else:
            conditions.append(column == value)
    return conditions
