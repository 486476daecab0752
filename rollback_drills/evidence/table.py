"""The tables of the ledger, and the triggers that let nobody change what is in them."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
)

from rollback_drills.database.connections import METADATA

# SQLite takes only INTEGER for its row number.
_LEAF_INDEX: Final = BigInteger().with_variant(Integer, "sqlite")

LEDGER: Final = Table(
    "ledger",
    METADATA,
    Column("leaf_index", _LEAF_INDEX, primary_key=True, autoincrement=False),  # from 0, without a gap
    Column("created_at", String(40), nullable=False, index=True),
    Column("metadata_kind", String(80), nullable=False),
    Column("session_id", Text, nullable=False),
    Column("schedule_id", Text, nullable=False),
    Column("cycle_id", String(40), nullable=False, index=True),
    Column("provider", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("action", String(20), nullable=False),
    Column("category", String(40), nullable=False),
    Column("success", Boolean, nullable=True),
    Column("once_key", String(64), nullable=True),  # of what is written once; the record has it too
    Column("hashes", LargeBinary, nullable=False),  # of the leaf, and of every subtree that it completes
    Column("record", Text, nullable=False),  # canonical JSON: the content of the leaf
)
# The newest plan and the drills of a schedule, among all that the runs of years have written about it.
Index("ledger_by_schedule_and_kind", LEDGER.c.schedule_id, LEDGER.c.metadata_kind, LEDGER.c.leaf_index)
Index(
    "ledger_by_once_key",
    LEDGER.c.once_key,
    unique=True,
    sqlite_where=LEDGER.c.once_key.is_not(None),
    postgresql_where=LEDGER.c.once_key.is_not(None),
)

PRUNED: Final = Table(
    "ledger_pruned",
    METADATA,
    Column("leaf_index", _LEAF_INDEX, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("once_key", String(64), nullable=True, index=True),
)
"""What is left of rows whose time of retention is over: their hashes, so that the rest still verifies."""

HEADS: Final = Table(
    "ledger_heads",
    METADATA,
    Column("tree_size", _LEAF_INDEX, primary_key=True, autoincrement=False),
    Column("created_at", String(40), nullable=False),
    Column("public_key", Text, nullable=False),  # the key that signs from here on
    Column("note", Text, nullable=False),
)
"""The signed head after every transaction that added rows."""

LAST_FINDINGS: Final = Table(
    "last_findings",
    METADATA,
    Column("population_id", String(40), primary_key=True),
    Column("schedule_id", Text, primary_key=True),
    Column("finding_digest", String(64), nullable=False),
)
"""The last finding of each schedule, for speed: it follows from the ledger, and no trigger guards it."""

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
        # INSERT OR REPLACE removes a row without a word to the triggers of DELETE.
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
_POSTGRESQL_MISSING: Final = (
    "SELECT 1 FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND tgname = '{table}_is_never_emptied'"
)


@event.listens_for(METADATA, "after_create")
def _guard(_: MetaData, connection: Connection, **__: Any) -> None:
    """Create the triggers that are missing, whoever created the tables."""
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            connection.exec_driver_sql(statement)
        return
    for table, triggers in POSTGRESQL_TRIGGERS.items():
        if connection.exec_driver_sql(_POSTGRESQL_MISSING.format(table=table)).first():
            continue
        for name, body in _POSTGRESQL_FUNCTIONS.items():
            connection.exec_driver_sql(_POSTGRESQL_FUNCTION.format(name=name, body=body))
        for trigger in triggers.values():
            connection.exec_driver_sql(trigger.statement)
