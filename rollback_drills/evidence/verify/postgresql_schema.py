"""Compares what defines the tables in PostgreSQL with what the program creates."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Table, UniqueConstraint, inspect, text

from rollback_drills.database.tables import METADATA, OUTBOX, SINCE
from rollback_drills.database.triggers import POSTGRESQL_TRIGGERS
from rollback_drills.database.versions import UNNUMBERED

_EARLIER: Final = {"ix_ledger_schedule_id": (False, "btree (schedule_id)", "")}
"""Indexes that were made before versions were numbered; the first migration removes them."""
_KIND: Final = text(
    "SELECT relkind::text, relpersistence::text, relrowsecurity FROM pg_class WHERE oid = to_regclass(:table)"
)
_TRIGGERS: Final = text(
    "SELECT tgname, tgenabled::text AS enabled, tgtype, prosrc,"
    " tgqual IS NOT NULL OR tgattr <> '' OR proconfig IS NOT NULL AS is_limited"
    " FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
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
    " WHERE conrelid = to_regclass(:table) AND contype NOT IN ('p', 'n', 'u')"
    " UNION ALL SELECT 'child table ' || inhrelid::regclass FROM pg_inherits"
    " WHERE inhparent = to_regclass(:table)"
)
_SEQUENCE: Final = text(
    "SELECT its FROM (SELECT pg_get_serial_sequence('outbox', 'sequence') AS its) AS named"
    " WHERE has_sequence_privilege(its, 'SELECT')"
)
_COUNTS_UP: Final = text(
    "SELECT seqincrement = 1 AND NOT seqcycle FROM pg_sequence WHERE seqrelid = to_regclass(:name)"
)


def find_tables(connection: Connection) -> Collection[str]:
    """Return the names of the tables that are there, views in place of one included."""
    return [name for name in METADATA.tables if connection.execute(_KIND, {"table": name}).first()]


def find_differences(connection: Connection, version: int) -> Iterator[str]:
    """Return what is not as the program creates it, a sentence each.

    Args:
        connection: Reads the database.
        version: The schema version that it has.
    """
    role = connection.scalar(text("SHOW session_replication_role"))
    if role != "origin":
        yield f"the triggers of all tables are switched off: session_replication_role is {role}; reset it"
    for table in METADATA.tables.values():
        row = connection.execute(_KIND, {"table": table.name}).first()
        if row is None:
            if SINCE[table.name] <= version:
                yield f"the table {table.name} is missing"
            continue
        if row.relkind != "r":
            yield f"{table.name} is not a table (relkind {row.relkind})"
            continue
        if row.relpersistence != "p":
            yield f"the table {table.name} is not kept when the server crashes"
        if row.relrowsecurity:
            yield f"row level security hides rows of the table {table.name}"
        yield from _compare_triggers(connection, table)
        columns = list(_compare_columns(connection, table))
        yield from columns
        yield from _compare_indexes(connection, table, version)
        for name in connection.scalars(_OTHERS, {"table": table.name}):
            yield f"the {name} of the table {table.name} is not one that the program creates"
        if table is OUTBOX and not columns:
            yield from _compare_sequence(connection)


def _compare_sequence(connection: Connection) -> Iterator[str]:
    name = connection.scalar(_SEQUENCE)
    if name is None:
        return
    if not connection.scalar(_COUNTS_UP, {"name": name}):
        yield "the sequence of the table outbox does not count up one by one: give it an increment of 1"
    is_behind = "last_value - (NOT is_called)::int < (SELECT max(sequence) FROM outbox)"
    # PostgreSQL has quoted the name
    if connection.scalar(text(f"SELECT {is_behind} FROM {name}")):  # noqa: S608
        yield (
            "the sequence of the table outbox is behind its rows, so that no notification can be"
            " committed: set it to the largest number in the column sequence"
        )


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
    dialect, counter = connection.dialect, table.autoincrement_column
    expected = {each.name: (each.type.compile(dialect), each.nullable, each is counter) for each in table.c}
    found = {each["name"]: each for each in inspect(connection).get_columns(table.name)}
    for name in expected.keys() - found.keys():
        yield f"the column {name} of the table {table.name} is missing"
    for name, each in found.items():
        counts = each["autoincrement"] is True  # its default is the next number of a sequence
        has_more = each.get("computed") or each.get("identity") or (each["default"] and not counts)
        if has_more or (each["type"].compile(dialect), each["nullable"], counts) != expected.get(name):
            yield f"the column {name} of the table {table.name} is not as the program creates it"


def _compare_indexes(connection: Connection, table: Table, version: int) -> Iterator[str]:
    found = {row.relname: row for row in connection.execute(_INDEXES, {"table": table.name})}
    key = inspect(connection).get_pk_constraint(table.name)["name"]  # Alembic names that of its own table
    expected = dict(_expected_indexes(table, key or f"{table.name}_pkey"))
    for name in expected.keys() - found.keys():
        if SINCE.get(name, 0) <= version:
            yield f"the index {name} of the table {table.name} is missing"
    earlier = _EARLIER if version == UNNUMBERED else {}
    for name, row in found.items():
        if row.is_valid and _describe(row) == earlier.get(name):
            continue
        if name not in expected:
            yield f"the index {name} of the table {table.name} is not one that the program creates"
        elif not row.is_valid or _describe(row) != expected[name]:
            yield f"the index {name} of the table {table.name} is not the one that the program creates"


def _expected_indexes(table: Table, key: str) -> Iterator[tuple[str, tuple[bool, str, str]]]:
    yield key, (True, f"btree ({', '.join(each.name for each in table.primary_key)})", "")
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            names = [each.name for each in constraint.columns]
            yield f"{table.name}_{'_'.join(names)}_key", (True, f"btree ({', '.join(names)})", "")
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
