"""Backups: whole, verified, and never in the way of anybody."""

import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.backup import UnverifiedCopyError, back_up
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.checkpoint import Checkpoint
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.checkout import ROOT
from tests.processes.forked import find_exit_code, fork
from tests.samples.databases import empty_sqlite, open_sqlite
from tests.samples.formats import FIRST, load
from tests.samples.tampering import fill, tampering

BACK_UP = """
import sys
from pathlib import Path
from rollback_drills.database.connections import Database
from rollback_drills.evidence.backup import back_up
nothing = lambda *_: None
back_up(Database.at(sys.argv[1]), Path(sys.argv[2]), nothing, nothing, force=True)
"""


def nothing(*_: object) -> None:
    """Show no progress."""


def copy_of(file: Path) -> Database:
    return Database.at(f"sqlite:///{file}")


def verified(file: Path, *heads: Checkpoint) -> Verification:
    database = copy_of(file)
    try:
        return verify_ledger(database, Trust([("head.txt", each) for each in heads]), nothing)
    finally:
        database.engine.dispose()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return a database of 21 rows, most of them in its -wal file."""
    opened = open_sqlite(tmp_path / "evidence.db")
    fill(opened, (5, 5, 5, 5))
    return opened


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return the name of a copy in a folder of its own."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "evidence.db"


def test_a_backup_has_every_row_and_is_one_private_file(database: Database, target: Path) -> None:
    result = back_up(database, target, nothing, nothing)
    assert (result.findings, result.size) == ([], 21)
    assert [each.name for each in target.parent.iterdir()] == [target.name]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    target.chmod(0o400)
    assert verified(target).size == 21


def test_a_copy_of_the_file_alone_reaches_less_far_and_a_kept_head_shows_it(
    database: Database, target: Path, tmp_path: Path
) -> None:
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    fill(database, (5,), start=20)
    head = find_head(database)
    assert head
    shutil.copy(tmp_path / "evidence.db", target)
    alone = verified(target)
    assert (alone.findings, alone.size, alone.newest_at) == ([], 21, "2026-12-02T04:00:00+00:00")
    (finding,) = verified(target, head.checkpoint).findings
    assert finding.kind == "truncated"
    assert finding.message == (
        "head.txt is a head over 26 rows, and here are 21, up to 2026-12-02T04:00:00+00:00:"
        " rows 21 to 25 are missing at the end"
    )


@pytest.mark.slow
def test_runs_write_while_it_is_copied(
    database: Database, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollback_drills.database.backup._PAGES_AT_ONCE", 1)
    writing, steps = threading.Event(), list[tuple[int, int]]()
    before = find_head(database)
    assert before

    def write() -> None:
        own = copy_of(Path(str(database.engine.url.database)))
        for number in range(20, 60):
            fill(own, (1,), start=number)
            writing.set()
        own.engine.dispose()

    writer = threading.Thread(target=write)

    def step(done: int, total: int) -> None:
        if not steps:
            writer.start()
            assert writing.wait(180)  # after the snapshot, before the last page
        steps.append((done, total))

    result = back_up(database, target, step, nothing)
    writer.join()
    assert (result.findings, result.size) == ([], before.checkpoint.size)
    assert len(steps) > 10
    assert steps[-1][0] == steps[-1][1]
    assert verified(Path(str(database.engine.url.database))).size == 61


class TestTarget:
    """The name of the copy."""

    def test_a_file_is_replaced_only_by_force(self, database: Database, target: Path) -> None:
        target.write_text("mine")
        with pytest.raises(UsageError, match="exists already; name another file, or replace it with force"):
            back_up(database, target, nothing, nothing)
        assert target.read_text() == "mine"
        back_up(database, target, nothing, nothing, force=True)
        assert verified(target).size == 21
        assert [each.name for each in target.parent.iterdir()] == [target.name]

    def test_a_file_that_appears_meanwhile_stays(self, database: Database, target: Path) -> None:
        def appear(*_: object) -> None:
            target.write_text("mine")

        with pytest.raises(UsageError, match="exists already"):
            back_up(database, target, appear, nothing)
        assert target.read_text() == "mine"
        assert [each.name for each in target.parent.iterdir()] == [target.name]

    @pytest.mark.parametrize("kind", ["the same", "a link", "a hard link"])
    def test_the_database_is_never_replaced(self, kind: str, database: Database, tmp_path: Path) -> None:
        file = tmp_path / "evidence.db"
        target = file if kind == "the same" else tmp_path / "other.db"
        if kind == "a link":
            target.symlink_to(file)
        if kind == "a hard link":
            target.hardlink_to(file)
        with pytest.raises(UsageError, match="is the database itself"):
            back_up(database, target, nothing, nothing, force=True)
        assert verified(file).size == 21

    @pytest.mark.parametrize("kind", ["wal", "journal", "shm"])
    def test_what_another_database_left_is_not_taken_for_part_of_the_copy(
        self, kind: str, database: Database, target: Path
    ) -> None:
        target.with_name(f"{target.name}-{kind}").write_text("left")
        with pytest.raises(UsageError, match=f"evidence.db-{kind} exists"):
            back_up(database, target, nothing, nothing, force=True)

    @pytest.mark.parametrize(
        ("name", "problem"),
        [(".", "is not a file"), ("none/evidence.db", "no such file"), ("x" * 300, "file name too long")],
    )
    def test_a_name_that_cannot_be_written(
        self, name: str, problem: str, database: Database, target: Path
    ) -> None:
        with pytest.raises(UsageError, match=problem):
            back_up(database, target.parent / name, nothing, nothing)
        assert list(target.parent.iterdir()) == []


def changed(database: Database) -> None:
    with tampering(database) as connection:
        connection.exec_driver_sql("UPDATE ledger SET provider = 'teams' WHERE leaf_index = 7")


def test_a_copy_with_findings_is_kept_and_replaces_nothing(database: Database, target: Path) -> None:
    changed(database)
    assert back_up(database, target, nothing, nothing).finding_count == 1
    assert target.exists()
    target.write_text("an older backup")
    with pytest.raises(UnverifiedCopyError, match="stays as it was"):
        back_up(database, target, nothing, nothing, force=True)
    assert target.read_text() == "an older backup"


@pytest.mark.slow
@pytest.mark.parametrize("step", ["copy", "verify"])
def test_a_killed_backup_leaves_the_older_one(step: str, tmp_path: Path, target: Path) -> None:
    database = open_sqlite(tmp_path / "evidence.db")
    fill(database, (1500,))  # verification shows progress after a thousand rows
    target.write_text("an older backup")
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    database.engine.dispose()

    def die_at(name: str) -> Callable[..., None]:
        return lambda *_: os.kill(os.getpid(), signal.SIGKILL) if name == step else None

    killed = fork(lambda: back_up(Database.at(url), target, die_at("copy"), die_at("verify"), force=True))
    assert find_exit_code(killed) == -signal.SIGKILL
    assert target.read_text() == "an older backup"
    assert verified(tmp_path / "evidence.db").findings == []
    assert back_up(database, target, nothing, nothing, force=True).size == 1501


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, database: Database, target: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    url = str(database.engine.url)
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    ran = subprocess.run(
        [sys.executable, "-c", BACK_UP, url, str(target)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    assert f"{target} cannot be written: " in ran.stderr.splitlines()[-1]
    assert list(target.parent.iterdir()) == []


def test_the_first_format_is_copied_as_it_is(target: Path, tmp_path: Path) -> None:
    database = load(FIRST, empty_sqlite(tmp_path / "evidence.db"))
    result = back_up(database, target, nothing, nothing)
    assert (result.findings, result.size) == ([], 0)
    with sqlite3.connect(target) as connection:
        assert connection.execute("SELECT count(*) FROM evidence").fetchone() == (36,)


def test_a_database_in_memory_is_refused(target: Path) -> None:
    with pytest.raises(UsageError, match="only a database in an SQLite file"):
        back_up(Database.at("sqlite://"), target, nothing, nothing)
