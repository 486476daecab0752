"""Upgrades: in one transaction, by one process at a time, and only of databases of this program."""

import os
import signal
import sqlite3
from functools import partial
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, func, inspect, select

from rollback_drills.database import migrations
from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.tables import LEDGER, OUTBOX, SCHEMA_VERSION
from rollback_drills.database.versions import NEWEST
from tests.processes.forked import find_exit_code, fork, run_at_once
from tests.samples.databases import empty_sqlite
from tests.samples.formats import FIRST, FORMATS, load

OLD = ("first", "ledger")


def die_before_statement(url: str, statement: int) -> None:
    """Upgrade a database, and be killed before a statement or a commit."""
    database, left = Database.at(url), statement

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine, "before_cursor_execute", count)
    event.listen(database.engine, "commit", count)
    database.prepare()


def set_version(database: Database, version: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(SCHEMA_VERSION.update().values(version_num=version))


def describe(connection: Connection) -> tuple[object, ...]:
    """Return what an upgrade changes."""
    found = inspect(connection)
    names = sorted(found.get_table_names())
    indexes = [(name, sorted(str(each["name"]) for each in found.get_indexes(name))) for name in names]
    rows = connection.scalar(select(func.count()).select_from(OUTBOX)) if OUTBOX.name in names else 0
    version = connection.scalars(select(SCHEMA_VERSION)).all() if SCHEMA_VERSION.name in names else None
    return indexes, rows, version


def test_the_newest_version_is_that_of_the_last_migration() -> None:
    folder = Path(str(migrations.__file__)).parent
    revisions = [each.revision for each in ScriptDirectory(str(folder)).walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(NEWEST, 0, -1)]


def test_there_is_a_dump_of_every_version_before() -> None:
    assert {f"version-{number}" for number in range(1, NEWEST)} <= set(FORMATS)


@pytest.mark.slow
@pytest.mark.parametrize("name", OLD)
def test_processes_that_upgrade_at_once_do_it_once(name: str, url: str) -> None:
    database = load(name, url)
    database.engine.dispose()
    assert run_at_once([Database.at(url).prepare] * 4) == [0] * 4
    with database.read() as connection:
        _, rows, version = describe(connection)
    assert (rows, version) == ({"first": 6, "ledger": 8}[name], [f"{NEWEST:04}"])


@pytest.mark.slow
@pytest.mark.parametrize("name", OLD)
def test_a_process_that_is_killed_leaves_the_old_format_or_the_new_one(
    name: str, url: str, tmp_path: Path
) -> None:
    database = load(name, url)
    with database.read() as connection:
        old = describe(connection)
    database.engine.dispose()
    statement, killed = 1, 0
    while True:
        code = find_exit_code(fork(partial(die_before_statement, url, statement)))
        if code != -signal.SIGKILL:
            break
        killed += 1
        with database.read() as connection:
            assert describe(connection) == old, f"killed before statement {statement}"
        database.engine.dispose()
        statement = statement * 3 // 2 + 1
    assert code == 0
    assert killed > 5
    with database.read() as connection:
        assert describe(connection)[2] == [f"{NEWEST:04}"]


def test_an_upgrade_on_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    database = load(FIRST, empty_sqlite(tmp_path / "drills.db"))

    @event.listens_for(database.engine, "connect")
    def fill(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # as many as there are

    with database.read() as connection:
        old = describe(connection)
    with pytest.raises(DatabaseError, match="database or disk is full"):
        database.prepare()
    with database.read() as connection:
        assert describe(connection) == old


class TestAutoUpgrade:
    """DRILLS_AUTO_UPGRADE=0."""

    def test_an_older_database_is_not_upgraded(self, url: str) -> None:
        database = load("ledger", url)
        with database.read() as connection:
            old = describe(connection)
        problem = "it has schema version 0, and this program writes version .; run `drills evidence upgrade`"
        with pytest.raises(DatabaseError, match=problem):
            database.prepare(upgrade=False)
        with pytest.raises(DatabaseError, match=problem), database.write() as connection:
            connection.execute(OUTBOX.delete())
        with database.read() as connection:
            assert describe(connection) == old

    def test_a_new_database_is_created(self, tmp_path: Path) -> None:
        assert Database.open(f"sqlite:///{tmp_path / 'new.db'}", upgrade=False).has(LEDGER.name)


class TestRefused:
    """Databases that this program must not touch."""

    def test_a_newer_one(self, url: str) -> None:
        database = Database.at(url)
        set_version(database, f"{NEWEST + 1:04}")
        problem = f"it has schema version {NEWEST + 1}, and this program knows no version after {NEWEST}"
        with pytest.raises(DatabaseError, match=problem):
            database.prepare()
        with pytest.raises(DatabaseError, match=problem):
            database.has(LEDGER.name)
        with pytest.raises(DatabaseError, match=problem), database.write():
            pass

    @pytest.mark.parametrize("version", ["", "new", "1.5"])
    def test_one_whose_version_is_no_number(self, version: str, url: str) -> None:
        database = Database.at(url)
        set_version(database, version)
        with pytest.raises(DatabaseError, match="its table drills_schema_version holds no version"):
            database.prepare()

    def test_one_of_another_program(self, tmp_path: Path) -> None:
        file = tmp_path / "places.sqlite"
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE bookmarks (id INTEGER)")
        before = file.read_bytes()
        database = Database.at(f"sqlite:///{file}")
        assert not database.has(LEDGER.name)
        with pytest.raises(DatabaseError, match=r"belongs to another program \(it has a table bookmarks\)"):
            database.prepare()
        database.engine.dispose()
        assert file.read_bytes() == before

    @pytest.mark.parametrize("table", ["outbox", "ledger"])
    def test_one_of_another_program_that_names_its_tables_like_ours(self, table: str, tmp_path: Path) -> None:
        file = tmp_path / "other.db"
        with sqlite3.connect(file) as connection:
            connection.execute(f"CREATE TABLE {table} (id INTEGER, state TEXT)")
        for act in (Database.prepare, lambda each: each.has(table)):
            with pytest.raises(DatabaseError, match=f"its table {table} is not of this program"):
                act(Database.at(f"sqlite:///{file}"))

    def test_a_table_called_evidence_of_another_program_is_no_first_format(self, tmp_path: Path) -> None:
        file = tmp_path / "crime.db"
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE evidence (id INTEGER, record TEXT)")
        with pytest.raises(DatabaseError, match="belongs to another program"):
            Database.open(f"sqlite:///{file}")

    @pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
    def test_a_file_that_is_no_database(self, content: bytes, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_bytes(content)
        with pytest.raises(DatabaseError, match="file is not a database; set DRILLS_DATABASE_URL") as caught:
            Database.open(f"sqlite:///{file}")
        assert "\n" not in str(caught.value)
        assert file.read_bytes() == content
        assert os.listdir(tmp_path) == [file.name]
