"""The triggers that let nobody change what is in the ledger."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection

from rollback_drills.database.tables import HEADS, LEDGER, METADATA, PRUNED

_REFUSE: Final = "BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END"
_HASHES_ARE_KEPT: Final = (
    "EXISTS (SELECT 1 FROM ledger_pruned AS kept"
    " WHERE kept.leaf_index = OLD.leaf_index AND kept.hashes = OLD.hashes)"
)
_TRIGGER: Final = "CREATE TRIGGER IF NOT EXISTS {name} BEFORE {what} ON {table} WHEN {when} {refuse}"
_SQLITE: Final = tuple(
    _TRIGGER.format(name=f"{table}_is_never_{done}", table=table, what=what, when=when, refuse=_REFUSE)
    for table, what, done, when in (
        (LEDGER.name, "UPDATE", "changed", "1"),
        (PRUNED.name, "UPDATE", "changed", "1"),
        (HEADS.name, "UPDATE", "changed", "1"),
        (LEDGER.name, "DELETE", "removed", f"NOT {_HASHES_ARE_KEPT}"),
        (PRUNED.name, "DELETE", "removed", "1"),
        (HEADS.name, "DELETE", "removed", "1"),
        # INSERT OR REPLACE removes a row, and the triggers of DELETE do not run.
        (
            *(LEDGER.name, "INSERT", "replaced"),
            "NEW.leaf_index IS NOT (SELECT coalesce(max(leaf_index) + 1, 0) FROM ledger)",
        ),
        (
            *(PRUNED.name, "INSERT", "replaced"),
            "EXISTS (SELECT 1 FROM ledger_pruned WHERE leaf_index = NEW.leaf_index)",
        ),
        (
            *(HEADS.name, "INSERT", "replaced"),
            "EXISTS (SELECT 1 FROM ledger_heads WHERE tree_size >= NEW.tree_size)",
        ),
    )
)

_POSTGRESQL_FUNCTIONS: Final = {
    "evidence_is_append_only": "BEGIN RAISE EXCEPTION 'the evidence is append-only'; END",
    "evidence_hashes_are_kept": f"""BEGIN
    IF {_HASHES_ARE_KEPT} THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'the evidence is append-only';
END""",
}
_POSTGRESQL_FUNCTION: Final = (
    "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$\n{body} $$"
)


class TriggerDefinition(NamedTuple):
    """A trigger of PostgreSQL as its catalogue describes it."""

    statement: str
    kind: int
    """The bits of `pg_trigger.tgtype`."""
    body: str
    """Of its function."""


def _define_triggers(table: str) -> Mapping[str, TriggerDefinition]:
    on_delete = "evidence_hashes_are_kept" if table == LEDGER.name else "evidence_is_append_only"
    return {
        f"{table}_is_never_{done}": TriggerDefinition(
            f"CREATE TRIGGER {table}_is_never_{done} BEFORE {what} ON {table}"
            f" FOR EACH {each} EXECUTE FUNCTION {function}()",
            kind,
            _POSTGRESQL_FUNCTIONS[function],
        )
        for done, what, each, function, kind in (
            ("changed", "UPDATE", "ROW", "evidence_is_append_only", 0b010011),
            ("removed", "DELETE", "ROW", on_delete, 0b001011),
            ("emptied", "TRUNCATE", "STATEMENT", "evidence_is_append_only", 0b100010),
        )
    }


POSTGRESQL_TRIGGERS: Final = {name: _define_triggers(name) for name in (LEDGER.name, PRUNED.name, HEADS.name)}


def create_tables(connection: Connection) -> None:
    """Create all tables and their triggers, where nothing of the program is yet."""
    METADATA.create_all(connection)
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            connection.exec_driver_sql(statement)
        return
    for name, body in _POSTGRESQL_FUNCTIONS.items():
        connection.exec_driver_sql(_POSTGRESQL_FUNCTION.format(name=name, body=body))
    for triggers in POSTGRESQL_TRIGGERS.values():
        for trigger in triggers.values():
            connection.exec_driver_sql(trigger.statement)
