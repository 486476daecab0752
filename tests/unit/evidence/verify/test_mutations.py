"""One change at random, anywhere in the database: it is found, or nothing of the evidence changed."""

import json
import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.errors import UsageError
from rollback_drills.evidence.pruning import prune
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.samples.builders import KEY, NOW, open_key
from tests.samples.databases import open_sqlite
from tests.samples.examples import examples
from tests.samples.ledgers import append_check
from tests.samples.tampering import fill

TABLES: Final = ("ledger", "ledger_heads", "ledger_pruned")
EVIDENCE: Final = (
    "ledger",
    "ledger_pruned",
    # when a head over a pruned row was made stands in no record any more
    (
        "(SELECT tree_size, public_key, note, CASE WHEN tree_size - 1 IN (SELECT leaf_index FROM ledger)"
        " THEN created_at END FROM ledger_heads)"
    ),
)
ODD: Final = (None, "", 0, -1, 2**63 - 1, 1.5, float("inf"), b"", b"\xff\xfe", "x", "a\x00b", "2026-02-30")
NAMES: Final = ("other", "ix_ledger_schedule_id", "outbox_by_open", "ledger_by_kind", "ix_ledger_cycle_id")
STATEMENTS: Final = (
    "CREATE TRIGGER {name} BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER {name} AFTER INSERT ON outbox BEGIN DELETE FROM last_findings; END",
    "CREATE INDEX {name} ON {table} (hashes)",
    "CREATE UNIQUE INDEX {name} ON {table} (created_at)",
    "DROP INDEX {name}",
    "DROP TRIGGER {table}_is_never_changed",
    "DROP TABLE {table}",
    "ALTER TABLE {table} ADD COLUMN more TEXT",
    "ALTER TABLE {table} RENAME TO kept; CREATE VIEW {table} AS SELECT * FROM kept",
)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a ledger of deliveries, checks and plans, of which the oldest rows were pruned."""
    file = tmp_path_factory.mktemp("pristine") / "drills.db"
    database = open_sqlite(file)
    fill(database, (4, 1, 3))
    append_check(database, NOW + timedelta(days=1), {})
    append_check(database, NOW + timedelta(days=900), {"interval_days": 20})
    prune(database, months=12, now=NOW + timedelta(days=900), signer="maria", open_key=open_key)
    append_check(database, NOW + timedelta(days=901), {"interval_days": 30})
    database.engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return file


@settings(max_examples=examples(5000, elsewhere=60), deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_change_is_found_or_is_none_of_the_evidence(
    pristine: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    file = tmp_path_factory.mktemp("changed") / "drills.db"
    shutil.copy(pristine, file)
    choose = random.Random(seed)
    done = ""
    with suppress(sqlite3.Error, OverflowError):
        done = mutate(file, choose)

    try:
        is_intact = is_verified(file, choose)
    except (DatabaseError, UsageError):  # exit code 2: nothing was verified
        return

    assert not is_intact or evidence_of(file) == evidence_of(pristine), done


def is_verified(file: Path, choose: random.Random) -> bool:
    database = Database.open_existing(f"sqlite:///{file}", "ledger")
    if database is None:
        return False
    try:
        trust = choose.choice([Trust(), Trust(public_key=KEY.public)])
        return verify_ledger(database, trust, lambda _: None).is_intact
    finally:
        database.engine.dispose()


def evidence_of(file: Path) -> list[Any]:
    """Return the rows of the evidence, and what defines it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.text_factory = bytes
        rows = [connection.execute(f"SELECT * FROM {source} ORDER BY 1").fetchall() for source in EVIDENCE]
        objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    ours = {table.encode() for table in TABLES}
    kept = [each for each in objects if each[2] in ours or each[0] == b"trigger"]
    return [*rows, sorted(each for each in kept if each[3])]


def mutate(file: Path, choose: random.Random) -> str:
    """Change one thing; return what."""
    if choose.random() < 0.2:
        content = bytearray(file.read_bytes())
        place = choose.randrange(len(content))
        content[place] ^= 1 << choose.randrange(8)
        file.write_bytes(content)
        return f"byte {place}"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        table = choose.choice(TABLES)
        if choose.random() < 0.3:
            statement = choose.choice(STATEMENTS).format(name=choose.choice(NAMES), table=table)
            connection.executescript(statement)
            return statement
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        done = change_row(connection, table, choose)
        for _, sql in guards:
            connection.execute(sql)
    return done


def change_row(connection: sqlite3.Connection, table: str, choose: random.Random) -> str:
    """Change, remove, copy or exchange a row of a table; return what was done."""
    found = connection.execute(f"SELECT * FROM {table}")
    columns = [name for name, *_ in found.description]
    rows = found.fetchall()
    row, other = choose.choice(rows), choose.choice(rows)
    of_row = f"{columns[0]} = {row[0]}"
    act = choose.choice(["set", "set", "set", "remove", "copy", "exchange"])
    if act == "set":
        place = choose.randrange(len(columns))
        value = choose.choice([*ODD, other[place], *variants(row[place], choose)])
        connection.execute(f"UPDATE OR REPLACE {table} SET {columns[place]} = ? WHERE {of_row}", [value])
        return f"{table}: {columns[place]} = {value!r:.200} where {of_row}"
    if act == "remove":
        connection.execute(f"DELETE FROM {table} WHERE {of_row}")
    elif act == "copy":
        put(connection, table, [choose.choice([-1, max(each[0] for each in rows) + 1, 10**6]), *row[1:]])
    else:
        put(connection, table, [other[0], *row[1:]])
        put(connection, table, [row[0], *other[1:]])
    return f"{table}: {act} where {of_row}, {other[0]}"


def put(connection: sqlite3.Connection, table: str, values: Sequence[Any]) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values)


def variants(value: Any, choose: random.Random) -> list[Any]:
    """Return values that resemble one."""
    if isinstance(value, bytes) and value:
        place = choose.randrange(len(value))
        flipped = value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
        return [flipped, value + bytes(32), value[:-1], value.hex()]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if not isinstance(value, str):
        return []
    texts: list[Any] = [f"{value} ", value.upper(), value.encode(), value[:-1], f"{value}\x00"]
    if value.startswith("{"):
        record = json.loads(value)
        name = choose.choice(list(record))
        texts += [json.dumps(record), f'{{"signer":"x",{value[1:]}']
        texts.append(json.dumps({**record, name: choose.choice(ODD[:5])}, separators=(",", ":")))
    return texts
