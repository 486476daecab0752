"""An error of an SQLite file says what to do, also if SQLite knows more of it than its kind."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.database.engines import sqlite
from rollback_drills.database.errors import DatabaseError


def be_folder(path: Path) -> None:
    path.mkdir()


def be_damaged(path: Path) -> None:
    be_database(path)
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)


def be_text(path: Path) -> None:
    path.write_text("no database\n" * 1000)


def be_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE kept (text)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (be_folder, "correct the path in DRILLS_DATABASE_URL"),
        (be_damaged, "restore a backup"),
        (be_text, "set DRILLS_DATABASE_URL to another file"),
    ],
)
def test_a_file_that_is_no_database_is_an_error_with_a_remedy(
    make: Callable[[Path], None], remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / "evidence.db"
    make(path)

    with (
        pytest.raises(DatabaseError, match=f"cannot be used: .*; {remedy}"),
        Database.open(f"sqlite:///{path}").read() as connection,
    ):
        connection.scalar(text("SELECT count(*) FROM kept"))


def test_a_file_that_another_program_holds_is_an_error_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.01)
    path = tmp_path / "evidence.db"
    be_database(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    with (
        pytest.raises(DatabaseError, match="database is locked; another program holds it for too long"),
        Database.open(f"sqlite:///{path}").read() as connection,
    ):
        connection.scalar(text("SELECT count(*) FROM kept"))
    holder.close()
