"""What somebody who can write the database file can do beside the records, and how verification finds it."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.triggers import POSTGRESQL_TRIGGERS, create_tables
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append, appending
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import SigningKey
from rollback_drills.evidence.ledger.merkle import Frontier, hash_leaf
from rollback_drills.evidence.ledger_records import KeyRecord
from rollback_drills.evidence.pruning import prune
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.evidence.verify import ledger
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind as Kind
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.evidence.verify.sqlite_schema import find_file_damage
from rollback_drills.evidence.verify.stored_rows import StoredRow
from tests.samples.builders import KEY, NOW, open_key
from tests.samples.databases import only_on_postgresql, only_on_sqlite, open_sqlite
from tests.samples.tampering import OTHER_KEY, fill, make_row, tampering

case = pytest.param
PAGE_SIZE = 4096
THIRD_KEY = SigningKey(KEY.name, b"\2" * 32)


@pytest.fixture
def database(database: Database) -> Database:
    """Fill the database with rows under four heads, a drill among them that is written once."""
    fill(database, (9, 1, 6))
    with appending(database, open_key) as (_, appender):
        appender.add([make_row(16, metadata_kind=DRILL_KIND)], ["a" * 64])
    return database


def verified(database: Database, **trust: Any) -> Verification:
    return verify_ledger(database, Trust(**trust), lambda _: None)


def check_found(result: Verification, kind: Kind, says: str) -> None:
    assert any(each.kind is kind and says in each.message for each in result.findings), result.findings


COPY = (
    "created_at, metadata_kind, session_id, schedule_id, cycle_id, provider, owner, action, category,"
    " success, once_key, hashes, record"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "kind", "says"),
    [
        case(
            "UPDATE ledger SET once_key = 'b' WHERE leaf_index = 17",
            Kind.CHANGED,
            "once_key",
            id="key changed",
        ),
        case(
            "UPDATE ledger SET once_key = NULL WHERE leaf_index = 17",
            Kind.CHANGED,
            "once_key",
            id="key emptied",
        ),
        case(
            "UPDATE ledger SET once_key = 'b' WHERE leaf_index = 5",
            Kind.CHANGED,
            "once_key",
            id="key of a drill to come",
        ),
        case(
            f"UPDATE ledger_heads SET public_key = '{OTHER_KEY.public.text}' WHERE tree_size = 18",
            Kind.CHANGED,
            "the head over 18 rows was changed in the column public_key",
            id="key of the newest head",
        ),
        case(
            "UPDATE ledger_heads SET public_key = 'x' WHERE tree_size = 11",
            Kind.CHANGED,
            "the head over 11 rows was changed in the column public_key",
            id="key of a head",
        ),
        case(
            "UPDATE ledger_heads SET created_at = '2020-01-01T00:00:00+00:00' WHERE tree_size = 11",
            Kind.CHANGED,
            "the head over 11 rows was changed in the column created_at",
            id="time of a head",
        ),
        case(
            "UPDATE ledger_heads SET tree_size = 12 WHERE tree_size = 11",
            Kind.CHANGED,
            "the signed head over 11 rows is stored as one over 12",
            id="size of a head",
        ),
        case(
            "DELETE FROM ledger_heads WHERE tree_size = 11",
            Kind.REMOVED,
            "the signed head over 11 rows is missing",
            id="a middle head",
        ),
        case(
            "DELETE FROM ledger_heads WHERE tree_size = 10",
            Kind.REMOVED,
            "the signed head over 10 rows is missing",
            id="the first head",
        ),
        case(
            "UPDATE ledger_heads SET note = note || '— someone AAAA' || chr(10) WHERE tree_size = 11",
            Kind.INSERTED,
            "the head over 11 rows has more signatures than the ledger made",
            id="another signature",
        ),
        case(
            f"INSERT INTO ledger SELECT -1, {COPY} FROM ledger WHERE leaf_index = 3",
            Kind.INSERTED,
            "row -1 is there twice, or has no place in the tree",
            id="a negative number",
        ),
        case(
            "UPDATE ledger SET record = repeat('[', 100000) || repeat(']', 100000) WHERE leaf_index = 3",
            Kind.CHANGED,
            "row 3 was changed: it holds no record any more",
            id="deep JSON",
        ),
        case(
            "UPDATE ledger SET hashes = '' WHERE leaf_index = 3",
            Kind.CHANGED,
            "row 3",
            id="no hashes",
        ),
    ],
)
def test_what_follows_from_a_record_or_a_head_is_compared(
    statement: str, kind: Kind, says: str, database: Database
) -> None:
    assert verified(database).findings == []
    if database.engine.dialect.name == "sqlite":
        deep = "'" + "[" * 100_000 + "]" * 100_000 + "'"
        statement = statement.replace("repeat('[', 100000) || repeat(']', 100000)", deep)
        statement = statement.replace("chr(10)", "char(10)")

    with tampering(database) as connection:
        connection.exec_driver_sql(statement)

    check_found(verified(database), kind, says)


@pytest.mark.parametrize("created_at", ["zzz", "2026-12-01", ""])
def test_a_wrong_time_beside_the_newest_row_stops_no_run(database: Database, created_at: str) -> None:
    with tampering(database) as connection:
        newest = "leaf_index = (SELECT max(leaf_index) FROM ledger)"
        connection.execute(text(f"UPDATE ledger SET created_at = :at WHERE {newest}"), {"at": created_at})

    fill(database, (1,), start=17)

    check_found(verified(database), Kind.CHANGED, "was changed in the column created_at")


def test_a_wrong_key_beside_a_head_stops_no_run(database: Database) -> None:
    with tampering(database) as connection:
        connection.execute(text("UPDATE ledger_heads SET public_key = 'x'"))

    fill(database, (1,), start=17)

    head = find_head(database)
    assert head
    assert (head.checkpoint.size, head.public_key) == (19, KEY.public)


NO_HEADS = "BEFORE INSERT ON ledger_heads BEGIN SELECT RAISE(IGNORE); END"
SCHEMA = [
    case(
        "DROP TRIGGER ledger_is_never_changed",
        "ledger_is_never_changed of the table ledger is m",
        id="dropped",
    ),
    case(
        "CREATE TRIGGER other AFTER INSERT ON ledger BEGIN DELETE FROM ledger_pruned; END",
        "the trigger other of the table ledger is not one",
        id="foreign trigger",
    ),
    case(
        f"DROP INDEX outbox_by_open; CREATE TRIGGER outbox_by_open {NO_HEADS}",
        "the trigger outbox_by_open of the table ledger_heads is not one",
        id="trigger in place of an index of the outbox",
    ),
    case(
        (
            f"DROP INDEX ix_ledger_cycle_id; CREATE TRIGGER ix_ledger_cycle_id {NO_HEADS};"
            " CREATE INDEX ix_ledger_cycle_id ON ledger (cycle_id)"
        ),
        "the trigger ix_ledger_cycle_id of the table ledger_heads is not one",
        id="trigger with the name of an index",
    ),
    case(
        "CREATE TRIGGER ix_ledger_schedule_id BEFORE INSERT ON ledger BEGIN DELETE FROM last_findings; END",
        "the trigger ix_ledger_schedule_id of the table ledger is not one",
        id="trigger with the name of an index of an earlier version",
    ),
    case(
        "CREATE UNIQUE INDEX ix_ledger_schedule_id ON ledger (schedule_id) WHERE schedule_id = 'x'",
        "the index ix_ledger_schedule_id of the table ledger is not one",
        id="another index with the name of an earlier one",
    ),
    case(
        "DROP INDEX outbox_by_indexed; CREATE UNIQUE INDEX outbox_by_indexed ON ledger_heads (created_at)",
        "the index outbox_by_indexed is not the one that the program creates",
        id="index with the name of one of the outbox",
    ),
    case(
        "CREATE TRIGGER other AFTER UPDATE ON outbox BEGIN SELECT 1; END",
        "the trigger other of the table outbox is not one",
        id="foreign trigger of the outbox",
    ),
    case(
        (
            "DROP TRIGGER ledger_is_never_changed; CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON"
            " ledger WHEN 0 BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END"
        ),
        "the trigger ledger_is_never_changed is not the one",
        id="trigger that never fires",
    ),
    case("DROP INDEX ledger_by_once_key", "the index ledger_by_once_key of the table", id="dropped index"),
    case(
        "CREATE UNIQUE INDEX other ON ledger (owner, leaf_index)",
        "the index other of the table ledger is not one",
        id="foreign index",
    ),
    case(
        "ALTER TABLE ledger ADD COLUMN more TEXT GENERATED ALWAYS AS (upper(owner))",
        "the table ledger is not the one",
        id="generated column",
    ),
    case("ALTER TABLE ledger_heads ADD COLUMN more TEXT", "the table ledger_heads is not the", id="column"),
    case(
        (
            "DROP TRIGGER ledger_pruned_is_never_removed; DROP TRIGGER ledger_pruned_is_never_changed;"
            "DROP TRIGGER ledger_pruned_is_never_replaced; DROP TRIGGER ledger_is_never_removed;"
            "ALTER TABLE ledger_pruned RENAME TO kept; CREATE VIEW ledger_pruned AS SELECT * FROM kept"
        ),
        "ledger_pruned is a view, not a table",
        id="view",
    ),
    case(
        (
            "DROP TABLE ledger_pruned; CREATE TABLE ledger_pruned (leaf_index INTEGER NOT NULL, hashes BLOB"
            " NOT NULL, once_key VARCHAR(64) COLLATE NOCASE, PRIMARY KEY (leaf_index))"
        ),
        "the table ledger_pruned is not the one",
        id="collation",
    ),
    case(
        "DROP TABLE ledger_heads",
        "the table ledger_heads is missing",
        id="no heads",
    ),
    case("DROP TABLE ledger", "the table ledger is missing", id="no rows"),
    case(
        "CREATE INDEX other ON outbox (owner)",
        "the index other of the table outbox is not one",
        id="foreign index of the outbox",
    ),
    case(
        "ALTER TABLE outbox_plans ADD COLUMN more TEXT",
        "the table outbox_plans is not the one",
        id="column of the plans",
    ),
    case(
        "ALTER TABLE outbox RENAME TO kept; CREATE VIEW outbox AS SELECT * FROM kept WHERE state <> 'retry'",
        "outbox is a view, not a table",
        id="view of the outbox",
    ),
    case(
        "DELETE FROM drills_schema_version",
        "the database says that it has schema version 0, and has a table of version 5, unpublished",
        id="no version",
    ),
    case(
        "DROP TABLE outbox_plans; UPDATE drills_schema_version SET version_num = '0003'",
        "the database says that it has schema version 3, and has a table of version 5, unpublished",
        id="an earlier version",
    ),
]


@pytest.mark.slow
@only_on_sqlite
@pytest.mark.parametrize(("statements", "says"), SCHEMA)
def test_what_defines_the_tables_in_sqlite_is_compared(
    statements: str, says: str, database: Database
) -> None:
    raw = database.engine.raw_connection()
    raw.executescript(statements)
    raw.close()

    check_found(verified(database), Kind.SCHEMA, says)


POSTGRESQL_SCHEMA = [
    case("SET session_replication_role = replica", "the triggers of all tables are switched off"),
    case(
        "DROP TRIGGER ledger_is_never_changed ON ledger",
        "ledger_is_never_changed of the table ledger is missing",
    ),
    case("ALTER TABLE ledger DISABLE TRIGGER ledger_is_never_removed", "is switched off"),
    case(
        "CREATE OR REPLACE FUNCTION evidence_is_append_only() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN RETURN NEW; END$$",
        "is not the one",
    ),
    case("CREATE RULE other AS ON INSERT TO ledger DO INSTEAD NOTHING", "the rule other of the table ledger"),
    case("ALTER TABLE ledger ENABLE ROW LEVEL SECURITY", "row level security"),
    case("ALTER TABLE ledger ADD CHECK (owner <> 'x')", "the constraint ledger_owner_check"),
    case(
        "ALTER TABLE ledger ADD COLUMN more TEXT GENERATED ALWAYS AS (upper(owner)) STORED", "the column more"
    ),
    case("ALTER TABLE ledger ALTER COLUMN owner TYPE TEXT", "the column owner"),
    case("ALTER TABLE ledger ALTER COLUMN owner SET DEFAULT 'x'", "the column owner"),
    case("DROP INDEX ledger_by_once_key", "the index ledger_by_once_key"),
    case("CREATE INDEX other ON ledger (owner)", "the index other"),
    case("CREATE INDEX ix_ledger_schedule_id ON ledger (owner)", "the index ix_ledger_schedule_id"),
    case(
        "ALTER TABLE ledger_pruned RENAME TO kept; CREATE VIEW ledger_pruned AS SELECT * FROM kept",
        "is not a table",
    ),
    case("CREATE TABLE child () INHERITS (ledger)", "the child table child"),
    case("DROP TABLE ledger_heads", "the table ledger_heads is missing"),
    case("ALTER TABLE outbox SET UNLOGGED", "the table outbox is not kept when the server crashes"),
    case("CREATE RULE other AS ON INSERT TO outbox DO INSTEAD NOTHING", "the rule other of the table outbox"),
    case("ALTER TABLE outbox ADD CHECK (owner <> 'x')", "the constraint outbox_owner_check"),
    case("ALTER TABLE outbox ADD UNIQUE (owner)", "the index outbox_owner_key of the table outbox is not"),
    case("ALTER TABLE outbox ALTER COLUMN state SET DEFAULT 'x'", "the column state of the table outbox"),
    case("ALTER TABLE outbox ALTER COLUMN sequence DROP DEFAULT", "the column sequence of the table outbox"),
    case(
        'ALTER TABLE outbox ALTER COLUMN owner TYPE VARCHAR(200) COLLATE "C"',
        "the column owner of the table outbox",
    ),
    case(
        "ALTER FUNCTION evidence_hashes_are_kept() SET search_path = other",
        "the trigger ledger_is_never_removed of the table ledger is not the one",
    ),
    *(
        case(
            f"CREATE OR REPLACE TRIGGER ledger_is_never_changed {when} EXECUTE FUNCTION"
            " evidence_is_append_only()",
            "the trigger ledger_is_never_changed of the table ledger is not the one",
        )
        for when in (
            "BEFORE UPDATE ON ledger FOR EACH ROW WHEN (OLD.owner <> 'x')",
            "BEFORE UPDATE OF owner ON ledger FOR EACH ROW",
            "AFTER UPDATE ON ledger FOR EACH STATEMENT",
        )
    ),
    case("ALTER TABLE ledger ALTER COLUMN record DROP NOT NULL", "the column record"),
    case(
        "ALTER TABLE ledger_heads ALTER COLUMN tree_size ADD GENERATED ALWAYS AS IDENTITY", "column tree_size"
    ),
    case(
        "DROP INDEX ledger_by_once_key; CREATE INDEX ledger_by_once_key ON ledger (once_key)"
        " WHERE once_key IS NOT NULL",
        "the index ledger_by_once_key of the table ledger is not the one",
    ),
    case(
        "DROP INDEX ledger_by_once_key; CREATE UNIQUE INDEX ledger_by_once_key ON ledger (once_key)"
        " WHERE once_key > 'x'",
        "the index ledger_by_once_key of the table ledger is not the one",
    ),
    case(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger_by_once_key'::regclass",
        "the index ledger_by_once_key of the table ledger is not the one",
    ),
]


@pytest.mark.slow
@only_on_postgresql
@pytest.mark.parametrize(("statements", "says"), POSTGRESQL_SCHEMA)
def test_what_defines_the_tables_in_postgresql_is_compared(
    statements: str, says: str, database: Database
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(statements)

    check_found(verified(database), Kind.SCHEMA, says)


def made_by_the_program(kind: str) -> list[str]:
    with create_engine("sqlite://").connect() as connection:
        create_tables(connection)
        named = f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND sql IS NOT NULL ORDER BY 1"
        return list(connection.exec_driver_sql(named).scalars())


@pytest.mark.parametrize("name", made_by_the_program("table"))
def test_each_table_that_is_gone_is_found(name: str, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"DROP TABLE {name}")

    result = verified(database)
    check_found(result, Kind.SCHEMA, f"the table {name} is missing")
    assert not any("cannot be read" in each.message for each in result.findings)


@pytest.mark.slow
@pytest.mark.parametrize("name", made_by_the_program("index"))
def test_each_index_that_is_gone_is_found(name: str, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"DROP INDEX {name}")

    check_found(verified(database), Kind.SCHEMA, f"the index {name} of the table ")


@pytest.mark.slow
@only_on_sqlite
@pytest.mark.parametrize("name", made_by_the_program("trigger"))
def test_each_trigger_that_is_gone_is_found(name: str, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")

    check_found(verified(database), Kind.SCHEMA, f"the trigger {name} of the table ")


@pytest.mark.slow
@only_on_postgresql
@pytest.mark.parametrize(
    ("table", "name"), [(table, name) for table, names in POSTGRESQL_TRIGGERS.items() for name in names]
)
def test_each_trigger_of_postgresql_that_is_gone_is_found(table: str, name: str, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")

    check_found(verified(database), Kind.SCHEMA, f"the trigger {name} of the table {table} is missing")


@pytest.mark.parametrize("column", ["state", "sequence"])
def test_an_outbox_that_cannot_be_compared_is_found(column: str, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE outbox RENAME COLUMN {column} TO other")

    assert {each.kind for each in verified(database).findings} == {Kind.SCHEMA}


def put(connection: Connection, value: Any) -> None:
    connection.exec_driver_sql("UPDATE ledger SET record = ? WHERE leaf_index = 3", (value,))


@only_on_sqlite  # PostgreSQL keeps the type of a column
@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [
        case(b"\xff\xfe", id="BLOB"),
        case(b'{"leaf_index": 3}', id="BLOB of JSON"),
        case("x" * 65_000_000, id="65 MB"),
        case("", id="empty"),
        case("[1]", id="list"),
        case('{"leaf_index":3,"original":[]}', id="no record"),
    ],
)
def test_a_record_of_any_type_is_a_finding_of_its_row(value: Any, database: Database) -> None:
    with tampering(database) as connection:
        put(connection, value)

    result = verified(database)

    assert [each.message.partition(":")[0] for each in result.findings][:1] in (
        ["row 3 was changed"],
        ["row 3 cannot be read"],
    )
    assert (result.size, result.head_count) == (18, 4)


@only_on_sqlite  # PostgreSQL keeps only UTF-8
def test_text_that_is_no_utf8_is_a_finding_of_its_row(database: Database) -> None:
    with tampering(database) as connection:
        connection.execute(text("UPDATE ledger SET owner = CAST(x'ff' AS TEXT) WHERE leaf_index = 4"))
        connection.execute(text("UPDATE ledger SET record = CAST(x'fffe' AS TEXT) WHERE leaf_index = 6"))
        connection.execute(text("UPDATE ledger_heads SET note = CAST(x'ff' AS TEXT) WHERE tree_size = 11"))
        connection.execute(text("UPDATE ledger_heads SET note = x'ff' WHERE tree_size = 17"))

    result = verified(database)

    found = " ".join(each.message for each in result.findings)
    assert "was changed in the column owner" in found
    assert "row 6 was changed" in found
    assert "the signed head after the one over 10 rows cannot be read" in found


@only_on_sqlite
def test_an_index_that_hides_rows_is_found(database: Database) -> None:
    steps = (  # the index is taken away while a row is written, and put back without it
        (
            "CREATE TABLE t AS SELECT * FROM sqlite_master WHERE name = 'ix_ledger_cycle_id';"
            "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'ix_ledger_cycle_id'"
        ),
        f"INSERT INTO ledger SELECT 18, {COPY} FROM ledger WHERE leaf_index = 3",
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_master SELECT * FROM t; DROP TABLE t",
    )
    for step in steps:
        database.engine.dispose()
        raw = database.engine.raw_connection()
        raw.executescript(step)
        raw.close()
    database.engine.dispose()

    check_found(verified(database), Kind.CHANGED, "the database file is damaged")


@only_on_sqlite
def test_a_damaged_page_is_a_finding_and_not_an_outage(database: Database, url: str) -> None:
    database.engine.dispose()  # the last connection moves everything into the file
    file = Path(url.removeprefix("sqlite:///"))
    content = bytearray(file.read_bytes())
    start = content.index(b'"session_id":"rcd-12"') // PAGE_SIZE * PAGE_SIZE
    content[start : start + PAGE_SIZE] = bytes(PAGE_SIZE)
    file.write_bytes(content)

    result = verified(database)

    check_found(result, Kind.CHANGED, "the database file is damaged: ")
    check_found(
        result, Kind.CHANGED, "the database cannot be read to its end: database disk image is malformed"
    )
    assert 0 < result.row_count < 18


@only_on_sqlite
def test_a_check_of_the_file_that_was_interrupted_finds_no_damage(database: Database) -> None:
    with database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(lambda: 1, 1)

        with pytest.raises(OperationalError, match="interrupted"):
            list(find_file_damage(connection))


@pytest.mark.parametrize("is_changed", [False, True])
def test_rows_that_cannot_be_read_are_a_finding_only_beside_another_one(
    is_changed: bool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Connection) -> Iterator[StoredRow]:
        raise OperationalError("SELECT", None, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(ledger, "iterate_stored_rows", fail)
    if is_changed:
        with database.write() as connection:
            connection.exec_driver_sql("DROP INDEX ledger_by_once_key")
        check_found(
            verified(database), Kind.CHANGED, "the database cannot be read to its end: disk I/O error"
        )
    else:
        with pytest.raises(DatabaseError, match="disk I/O error"):
            verified(database)


def test_an_empty_database_holds_no_evidence(url: str) -> None:
    empty = Database.open(url)

    with pytest.raises(UsageError, match="there is no evidence"):
        verified(empty)

    assert [each.kind for each in verified(empty, public_key=KEY.public).findings] == [Kind.WRONG_KEY]
    empty.engine.dispose()


def lose_key(database: Database, new: SigningKey, *, is_lost: bool, count: int = 1) -> None:
    """Name other keys in rows, and sign with the last one: what anybody can do who can write the database."""
    records = [
        KeyRecord(
            created_at=write_instant(NOW + timedelta(hours=99)),
            signer="mallory",
            origin=KEY.name,
            public_key=key.public.text,
            previous_public_key=KEY.public.text,
            lost=is_lost,
        )
        for key in [THIRD_KEY, new][-count:]
    ]
    with appending(database, lambda _: new, replaces=KEY.public) as (_, appender):
        appender.add(records)
        if count > 1:
            appender._keys.append(THIRD_KEY)  # it signs too: only the first key has not


@pytest.mark.parametrize(
    ("is_lost", "count", "says"),
    [
        case(True, 1, "was lost: it did not sign the new key", id="lost"),
        case(False, 1, "has not signed that", id="not signed"),
        case(False, 2, "has not signed that", id="two keys under one head"),
    ],
)
def test_a_key_that_the_ledger_never_had_is_found_with_and_without_the_true_one(
    is_lost: bool, count: int, says: str, database: Database
) -> None:
    before = find_head(database)
    assert before
    lose_key(database, OTHER_KEY, is_lost=is_lost, count=count)
    fill(database, (3,), start=200, key=OTHER_KEY)

    for trust in ({}, {"public_key": KEY.public}, {"witnesses": [("old", before.checkpoint)]}):
        check_found(verified(database, **trust), Kind.WRONG_KEY, says)
    result = verified(database, public_key=KEY.public)
    assert "the public key" not in result.compared or not is_lost


def test_a_whole_ledger_of_another_key_does_not_verify_with_the_true_one(url: str) -> None:
    forged = Database.open(url)
    with appending(forged, lambda _: KEY) as (_, appender):
        appender.add([])  # nothing is signed
    fill(forged, (1,), key=OTHER_KEY)
    with tampering(forged) as connection:
        first = connection.scalar(text("SELECT record FROM ledger WHERE leaf_index = 0"))
        content = first.replace(OTHER_KEY.public.text, KEY.public.text)
        frontier = Frontier()
        hashes = frontier.add_leaf(hash_leaf(content.encode()))
        change = text("UPDATE ledger SET record = :record, hashes = :hashes WHERE leaf_index = 0")
        connection.execute(change, {"record": content, "hashes": hashes})
        second = connection.scalar(text("SELECT record FROM ledger WHERE leaf_index = 1"))
        hashes = frontier.add_leaf(hash_leaf(second.encode()))
        change = text("UPDATE ledger SET hashes = :hashes WHERE leaf_index = 1")
        connection.execute(change, {"hashes": hashes})
        note = SignedNote.sign(Checkpoint(KEY.name, 2, frontier.root(), 0).text, [OTHER_KEY])
        connection.execute(text("UPDATE ledger_heads SET note = :note"), {"note": str(note)})

    result = verified(forged, public_key=KEY.public)

    check_found(result, Kind.WRONG_KEY, "the head over 2 rows is not signed by the key of the ledger")
    check_found(result, Kind.WRONG_KEY, f"the ledger is not signed by {KEY.public.text}")
    forged.engine.dispose()


def test_a_lost_key_is_confirmed_by_what_was_kept_elsewhere(database: Database) -> None:
    lose_key(database, OTHER_KEY, is_lost=True)
    fill(database, (3,), start=200, key=OTHER_KEY)
    head = find_head(database)
    assert head

    for trust in (
        {"public_key": OTHER_KEY.public},
        {"witnesses": [("new", head.checkpoint)]},
        {"witnesses": [("new", head.checkpoint)], "public_key": KEY.public},
    ):
        assert verified(database, **trust).findings == []


def test_what_is_kept_of_pruned_rows_is_signed(database: Database) -> None:
    fill(database, (1,), start=40_000)
    prune(database, months=12, now=NOW + timedelta(days=900), signer="maria", open_key=open_key)
    assert verified(database).findings == []

    with tampering(database) as connection:
        connection.execute(
            text("UPDATE ledger_pruned SET once_key = 'of a drill to come' WHERE leaf_index = 3")
        )

    check_found(verified(database), Kind.CHANGED, "the column once_key of the pruned rows")


def test_the_time_beside_the_head_of_a_pruned_row_is_a_time(database: Database) -> None:
    fill(database, (1,), start=40_000)
    prune(database, months=12, now=NOW + timedelta(days=900), signer="maria", open_key=open_key)

    with tampering(database) as connection:
        first = "tree_size = (SELECT min(tree_size) FROM ledger_heads)"
        connection.execute(text(f"UPDATE ledger_heads SET created_at = 'long ago' WHERE {first}"))

    check_found(verified(database), Kind.CHANGED, "was changed in the column created_at")


def test_a_row_of_the_ledger_itself_is_not_pruned_in_secret(database: Database) -> None:
    append(database, [make_row(0)], open_key)  # the clock went back: the ledger says so in a row
    fill(database, (1,), start=40_000)
    prune(database, months=12, now=NOW + timedelta(days=900), signer="maria", open_key=open_key)
    assert verified(database).findings == []

    with tampering(database) as connection:
        own = "leaf_index = (SELECT min(leaf_index) FROM ledger WHERE metadata_kind LIKE '%clock')"
        connection.execute(
            text(f"INSERT INTO ledger_pruned SELECT leaf_index, hashes, NULL FROM ledger WHERE {own}")
        )
        connection.execute(text(f"DELETE FROM ledger WHERE {own}"))

    check_found(verified(database), Kind.REMOVED, "rows were pruned, and the rows of the ledger say")


def test_databases_are_created_for_their_owner_alone(tmp_path: Path) -> None:
    usual = os.umask(0o022)
    try:
        Database.open(f"sqlite:///{tmp_path / 'a' / 'b' / 'drills.db'}").engine.dispose()
    finally:
        os.umask(usual)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "b": 0o700, "drills.db": 0o600}


def test_verifying_beside_a_writer_raises_no_alarm(database: Database, url: str) -> None:
    """Before each statement of the verification another connection adds rows."""
    other = Database.open(url)
    starts = iter(range(100, 200, 10))

    def write(*_: Any) -> None:
        start = next(starts, None)
        if start is not None:
            fill(other, (2, 1), start=start)

    event.listen(database.engine, "before_cursor_execute", write)
    result = verified(database)
    event.remove(database.engine, "before_cursor_execute", write)

    assert result.findings == []
    assert verified(other).size > result.size
    other.engine.dispose()


def test_a_name_that_was_damaged_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "drills.db"
    open_sqlite(file).engine.dispose()
    content = file.read_bytes()
    damaged = content.replace(b"outbox_by_openoutbox", b"outbox_by_\xc5penoutbox")
    assert damaged != content
    file.write_bytes(damaged)

    with pytest.raises(DatabaseError, match="a name in it is no text; restore a backup"):
        Database.open_existing(f"sqlite:///{file}", "ledger")
