import os
import re
import signal
import time
from base64 import b64encode
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.evidence.append_result import explain_clock
from rollback_drills.evidence.appender import append, appending
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.ledger.merkle import Frontier, hash_leaf
from rollback_drills.evidence.record_kinds import CLOCK_KIND, KEY_KIND
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.processes.forked import find_exit_code, fork, run_at_once
from tests.samples.builders import KEY, NOW, open_key
from tests.samples.databases import fresh_database
from tests.samples.schemas import POSTGRES
from tests.samples.tampering import fill, make_row, unguard


def count(database: Database, kind: str | None = None) -> int:
    return EvidenceIndex(database).find(EvidenceFilter(metadata_kind=kind), limit=1)[1]


def check_intact(database: Database, size: int) -> None:
    """Verify the ledger, and compute its root once more from the rows alone."""
    result = verify_ledger(database, Trust(), lambda _: None)
    assert (result.findings, result.size) == ([], size)
    frontier = Frontier()
    with database.read() as connection:
        for row in connection.execute(text("SELECT leaf_index, record FROM ledger ORDER BY leaf_index")):
            assert row.leaf_index == frontier.size
            frontier.add_leaf(hash_leaf(row.record.encode()))
    assert result.root == b64encode(frontier.root()).decode()


def test_the_first_row_names_the_key_and_every_append_ends_with_a_head(database: Database) -> None:
    fill(database, (2, 3))

    record = EvidenceIndex(database).get(0)
    head = find_head(database)
    assert record
    assert head
    assert (record["metadata_kind"], record["origin"]) == (KEY_KIND, KEY.name)
    assert record["public_key"] == KEY.public.text
    with database.read() as connection:
        sizes = connection.scalars(text("SELECT tree_size FROM ledger_heads ORDER BY tree_size")).all()
    assert sizes == [3, 6]
    assert head.note.is_signed_by(KEY.public)
    check_intact(database, 6)


def test_nothing_to_append_leaves_no_head(database: Database) -> None:
    append(database, [], open_key)

    assert find_head(database) is None


def test_a_record_holds_its_number_and_is_canonical(database: Database) -> None:
    fill(database, (2,))

    with database.read() as connection:
        content = connection.scalar(text("SELECT record FROM ledger WHERE leaf_index = 2"))
    assert content.startswith('{"created_at":"2026-12-01T10:00:00+00:00","cycle_id":"gordcycle-1",')
    assert '"leaf_index":2,"metadata_kind"' in content


CHANGES = [
    "UPDATE ledger SET owner = 'x' WHERE leaf_index = 1",
    "UPDATE ledger_heads SET note = 'x'",
    "DELETE FROM ledger WHERE leaf_index = 1",
    "DELETE FROM ledger",
    "DELETE FROM ledger_heads",
    "UPDATE ledger_pruned SET hashes = hashes",
    "DELETE FROM ledger_pruned",
]
ONLY_SQLITE = [
    "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE leaf_index = 1",
    "REPLACE INTO ledger_heads SELECT * FROM ledger_heads",
    "REPLACE INTO ledger_pruned SELECT * FROM ledger_pruned",
    (
        "INSERT INTO ledger SELECT 9, created_at, metadata_kind, session_id, schedule_id, cycle_id, provider,"
        " owner, action, category, success, once_key, hashes, record FROM ledger WHERE leaf_index = 1"
    ),
]
ONLY_POSTGRESQL = [
    "TRUNCATE ledger",
    "TRUNCATE ledger_heads, ledger_pruned, ledger",
    (
        "INSERT INTO ledger SELECT * FROM ledger WHERE leaf_index = 1"
        " ON CONFLICT (leaf_index) DO UPDATE SET owner = 'x'"
    ),
]


def test_the_database_refuses_every_change(database: Database) -> None:
    fill(database, (3,))
    with database.write() as connection:
        another = "SELECT 1, hashes, NULL FROM ledger WHERE leaf_index = 2"
        connection.execute(text(f"INSERT INTO ledger_pruned {another}"))
    only_here = ONLY_SQLITE if database.engine.dialect.name == "sqlite" else ONLY_POSTGRESQL

    for statement in (*CHANGES, *only_here):
        with pytest.raises(DBAPIError, match="append-only"), database.engine.connect() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize(("seconds", "is_noticed"), [(0, False), (299, False), (300, False), (301, True)])
def test_a_clock_that_went_back_is_written_down_and_told_once(
    seconds: int, is_noticed: bool, database: Database
) -> None:
    fill(database, (1,))
    later = [make_row(0, created_at=(NOW - timedelta(seconds=seconds)).isoformat()) for _ in range(2)]

    first = append(database, later, open_key)
    second = append(database, later, open_key)

    assert first.went_back == (timedelta(seconds=seconds) if is_noticed else None)
    assert second.went_back is None
    assert count(database, CLOCK_KIND) == is_noticed
    assert "went back by 5 min since" in explain_clock(timedelta(seconds=301, microseconds=7))
    check_intact(database, 6 + is_noticed)


def test_a_ledger_that_does_not_fit_its_head_is_not_added_to(database: Database) -> None:
    fill(database, (5,))
    with database.write() as connection:
        unguard(connection)
        connection.execute(text("DELETE FROM ledger WHERE leaf_index = 5"))

    with pytest.raises(DatabaseError, match="it has 5 rows, and its newest head says something else"):
        fill(database, (1,))


def test_a_ledger_without_a_row_that_it_builds_on_is_not_added_to(database: Database) -> None:
    fill(database, (5,))
    with database.write() as connection:
        unguard(connection)
        connection.execute(text("DELETE FROM ledger WHERE leaf_index = 3"))

    with pytest.raises(DatabaseError, match="the evidence is damaged: row 3 is missing"):
        fill(database, (1,))


def test_a_key_that_was_changed_meanwhile_is_not_signed_with(database: Database) -> None:
    fill(database, (1,))
    asked: list[PublicKey | None] = []

    def open_other(public_key: PublicKey | None) -> SigningKey:
        asked.append(public_key)
        return SigningKey(KEY.name, b"\2" * 32)

    with pytest.raises(DatabaseError, match="the key of the evidence was changed meanwhile"):
        append(database, [make_row(1)], open_other)

    assert set(asked) == {KEY.public}
    check_intact(database, 2)


def test_what_fails_on_the_way_leaves_nothing(database: Database) -> None:
    fill(database, (1,))

    def break_off() -> None:
        with appending(database, open_key) as (_, appender):
            appender.add([make_row(1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()

    check_intact(database, 2)


def write(url: str, batches: int, rows: int) -> None:
    """Append in a process; the time of all is the same, so that no clock goes back."""
    fill(Database.open(url), [rows] * batches)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "writers", "batches", "rows"),
    [
        pytest.param("sqlite", 4, 25, 10, id="sqlite"),
        pytest.param(
            *("postgresql", 8, 20, 25),
            id="postgresql",
            marks=pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database"),
        ),
    ],
)
def test_writers_at_once_make_one_history(
    kind: str, writers: int, batches: int, rows: int, tmp_path: Path
) -> None:
    with fresh_database(kind, tmp_path) as url:
        assert run_at_once([partial(write, url, batches, rows)] * writers) == [0] * writers
        database = Database.open(url)
        expected = writers * batches * rows + 1 + count(database, CLOCK_KIND)
        check_intact(database, expected)
        with database.read() as connection:
            heads = connection.scalar(text("SELECT count(*) FROM ledger_heads"))
        assert heads == writers * batches
        database.engine.dispose()


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_a_ledger_that_goes_on(url: str, database: Database) -> None:
    for round_number in range(5):
        database.engine.dispose()
        writer = fork(partial(write, url, 10_000, 20))
        time.sleep(0.1 + 0.03 * round_number)
        os.kill(writer, signal.SIGKILL)
        assert find_exit_code(writer) == -signal.SIGKILL
        append(database, [make_row(0)], open_key)

    head = find_head(database)
    assert head
    check_intact(database, head.checkpoint.size)


def test_a_full_disk_is_one_message_and_the_ledger_goes_on_afterwards(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (3,))
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def limit(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(database.engine, "checkout", limit)

    with pytest.raises(DatabaseError, match=r"drills\.db cannot be used: database or disk is full"):
        fill(database, (2000,), start=3)

    database.engine.dispose()
    reopened = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    check_intact(reopened, 4)
    fill(reopened, (2,), start=3)
    check_intact(reopened, 6)


def test_a_database_that_is_damaged_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "drills.db"
    database = Database.open(f"sqlite:///{file}")
    fill(database, (300,))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.engine.dispose()
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = os.urandom(20_000)
    file.write_bytes(content)

    assert re.search("malformed|was changed|missing|holds no record", look_at(f"sqlite:///{file}"))


def look_at(url: str) -> str:
    """Verify a ledger, and say what was found in one text."""
    try:
        return str(verify_ledger(Database.open(url), Trust(), lambda _: None).findings)
    except DatabaseError as error:
        return str(error)
