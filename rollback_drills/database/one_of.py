"""Finds rows by many values at once."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Integer, TableValuedAlias, Text, bindparam, cast, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


def one_of(column: Column[Any], values: Iterable[str | int]) -> ColumnElement[bool]:
    """Return the condition that a column has one of these values, however many they are."""
    value = listed(values).c.value
    return column.in_(select(cast(value, Integer) if isinstance(column.type, Integer) else value))


def listed(values: Iterable[str | int]) -> TableValuedAlias:
    """Return values as a table whose column is `value`.

    They are one parameter, a JSON array: a statement with a parameter for each of them is written anew for
    each number, and databases limit how many there may be.
    """
    array = bindparam(None, msgspec.json.encode(list(values)).decode(), type_=Text, unique=True)
    return _Listed(array).table_valued("value")


class _Listed(FunctionElement[Any]):
    """The values of a JSON array, as the rows of a table."""

    name = "listed"
    inherit_cache = True


@compiles(_Listed)
def _write_for_postgresql(element: _Listed, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"


@compiles(_Listed, "sqlite")
def _write_for_sqlite(element: _Listed, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"
