"""Compares what defines the evidence tables in PostgreSQL with what the program creates."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Table, inspect, text

from rollback_drills.database.tables import ADDED_INDEXES, HEADS, LEDGER, METADATA, PRUNED
from rollback_drills.database.triggers import POSTGRESQL_TRIGGERS

_EARLIER: Final = {
    "ix_ledger_schedule_id": ((False, "btree (schedule_id)", ""), "ledger_by_schedule_and_kind")
}
"""Indexes that earlier versions made, each with the one that stands in its place today."""
_KIND: Final = text("SELECT relkind::text, relrowsecurity FROM pg_class WHERE oid = to_regclass(:table)")
_TRIGGERS: Final = text(
    "SELECT tgname, tgenabled::text AS enabled, tgtype, tgqual IS NOT NULL OR tgattr <> '' AS is_limited,"
    " prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
    " WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal"
)
_INDEXES: Final = text(
    "SELECT relname, indisunique, indisvalid AND indisready AS is_valid, pg_get_expr(indpred, indrelid) AS"
    " condition, pg_get_indexdef(indexrelid) AS definition FROM pg_index"
    " JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = to_regclass(:table)"
)
_OTHERS: Final = text(
    "SELECT 'rule ' || rulename FROM pg_rewrite"
    " WHERE ev_class = to_regclass(:table) AND rulename <> '_RETURN'"
    " UNION ALL SELECT 'constraint ' || conname FROM pg_constraint"
    " WHERE conrelid = to_regclass(:table) AND contype NOT IN ('p', 'n')"
    " UNION ALL SELECT 'child table ' || inhrelid::regclass FROM pg_inherits"
    " WHERE inhparent = to_regclass(:table)"
)


def find_tables(connection: Connection) -> Collection[str]:
    """Return the names of the tables that are there, views in place of one included."""
    return [name for name in METADATA.tables if connection.execute(_KIND, {"table": name}).first()]


def find_differences(connection: Connection) -> Iterator[str]:
    """Return what is not as the program creates it, a sentence each."""
    for table in METADATA.tables.values():
        row = connection.execute(_KIND, {"table": table.name}).first()
        if row is None:
            if table in (LEDGER, PRUNED, HEADS):
                yield f"the table {table.name} is missing"
            continue
        if row.relkind != "r":
            yield f"{table.name} is not a table (relkind {row.relkind})"
            continue
        if row.relrowsecurity:
            yield f"row level security hides rows of the table {table.name}"
        yield from _compare_triggers(connection, table)
        if table in (LEDGER, PRUNED, HEADS):
            yield from _compare_columns(connection, table)
            yield from _compare_indexes(connection, table)
            for name in connection.scalars(_OTHERS, {"table": table.name}):
                yield f"the {name} of the table {table.name} is not one that the program creates"


def _compare_triggers(connection: Connection, table: Table) -> Iterator[str]:
    found = {row.tgname: row for row in connection.execute(_TRIGGERS, {"table": table.name})}
    expected = POSTGRESQL_TRIGGERS.get(table.name, {})
    for name in expected.keys() - found.keys():
        yield f"the trigger {name} of the table {table.name} is missing"
    for name, row in found.items():
        wanted = expected.get(name)
        if wanted is None:
            yield f"the trigger {name} of the table {table.name} is not one that the program creates"
        elif row.enabled != "O":
            yield f"the trigger {name} of the table {table.name} is switched off"
        elif row.is_limited or (row.tgtype, _flat(row.prosrc)) != (wanted.kind, _flat(wanted.body)):
            yield f"the trigger {name} of the table {table.name} is not the one that the program creates"


def _compare_columns(connection: Connection, table: Table) -> Iterator[str]:
    dialect = connection.dialect
    expected = {each.name: (each.type.compile(dialect), each.nullable) for each in table.c}
    found = {each["name"]: each for each in inspect(connection).get_columns(table.name)}
    for name in expected.keys() - found.keys():
        yield f"the column {name} of the table {table.name} is missing"
    for name, each in found.items():
        is_own = (each["type"].compile(dialect), each["nullable"]) == expected.get(name)
        if not is_own or each.get("default") or each.get("computed") or each.get("identity"):
            yield f"the column {name} of the table {table.name} is not as the program creates it"


def _compare_indexes(connection: Connection, table: Table) -> Iterator[str]:
    found = {row.relname: row for row in connection.execute(_INDEXES, {"table": table.name})}
    expected = dict(_expected_indexes(table))
    for name in expected.keys() - found.keys() - ADDED_INDEXES:
        if not any(name == today and earlier in found for earlier, (_, today) in _EARLIER.items()):
            yield f"the index {name} of the table {table.name} is missing"
    for name, row in found.items():
        earlier, _ = _EARLIER.get(name, (None, ""))
        if row.is_valid and _describe(row) == earlier:
            continue
        if name not in expected:
            yield f"the index {name} of the table {table.name} is not one that the program creates"
        elif not row.is_valid or _describe(row) != expected[name]:
            yield f"the index {name} of the table {table.name} is not the one that the program creates"


def _expected_indexes(table: Table) -> Iterator[tuple[str, tuple[bool, str, str]]]:
    keys = ", ".join(each.name for each in table.primary_key)
    yield f"{table.name}_pkey", (True, f"btree ({keys})", "")
    for index in table.indexes:
        is_partial = index.dialect_options["postgresql"]["where"] is not None
        columns = ", ".join(each.name for each in index.columns)
        condition = f"({columns} IS NOT NULL)" if is_partial else ""
        yield str(index.name), (bool(index.unique), f"btree ({columns})", condition)


def _describe(row: Any) -> tuple[bool, str, str]:
    columns = row.definition.partition(" USING ")[2].partition(" WHERE ")[0]
    return row.indisunique, columns, row.condition or ""


def _flat(body: str) -> str:
    return " ".join(body.split())
