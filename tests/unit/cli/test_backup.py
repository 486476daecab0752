"""`drills evidence backup` and `upgrade`, as people call them."""

from pathlib import Path

import pytest

from rollback_drills.database.tables import SCHEMA_VERSION
from rollback_drills.database.versions import NEWEST
from tests.samples.commands import Drills
from tests.samples.databases import empty_sqlite, open_sqlite
from tests.samples.formats import load
from tests.samples.tampering import fill, tampering


def test_the_last_line_says_what_was_copied(drills: Drills, tmp_path: Path) -> None:
    fill(open_sqlite(tmp_path / "evidence.db"), (2, 3))
    copy = tmp_path / "copy.db"
    assert drills("backup", str(copy)) == 0
    assert drills.out.splitlines()[-1] == f"Backed up 6 rows to {copy}, and verified them."
    document = drills.document("backup", str(copy), "--force", "--json")
    verification = document["verification"]
    assert isinstance(verification, dict)
    assert (verification["intact"], verification["size"]) == (True, 6)
    assert document["bytes"] == copy.stat().st_size


def test_a_copy_with_findings_ends_with_1(drills: Drills, tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "evidence.db")
    fill(database, (2, 3))
    with tampering(database) as connection:
        connection.exec_driver_sql("DELETE FROM ledger WHERE leaf_index = 3")
    copy = tmp_path / "copy.db"
    assert drills("backup", str(copy)) == 1
    assert "NOT VERIFIED: the copy has" in drills.out
    assert drills("backup", str(copy), "--force") == 1
    assert "stays as it was" in drills.err


def test_nothing_to_back_up_or_to_upgrade_is_one_line(drills: Drills, tmp_path: Path) -> None:
    for words in (["backup", str(tmp_path / "copy.db")], ["upgrade"]):
        assert drills(*words) == 2
        assert "there is no evidence at" in drills.err
        assert drills.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_of_postgresql_it_prints_what_to_run_without_the_password(
    drills: Drills, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://drills:hunter2@db/evidence?password=hunter3"
    monkeypatch.setenv("DRILLS_DATABASE_URL", url)
    assert drills("backup", "my copy.dump") == 2
    command = "pg_dump --format=custom --file='my copy.dump' --dbname=postgresql://drills@db/evidence"
    assert f"run `{command}`" in drills.err
    assert "hunter" not in drills.err
    assert drills.err.count("\n") == 1


def test_an_upgrade_says_what_it_did(drills: Drills, tmp_path: Path) -> None:
    load("ledger", empty_sqlite(tmp_path / "evidence.db"))
    assert drills("upgrade") == 0
    assert drills.out == f"Upgraded the database from schema version 0 to {NEWEST}.\n"
    assert drills("upgrade") == 0
    assert drills.out == f"The database has schema version {NEWEST} already.\n"
    assert drills.document("upgrade", "--json") == {
        "from_version": NEWEST,
        "to_version": NEWEST,
        "imported": 0,
    }


def test_without_automatic_upgrades_writing_names_the_command(
    drills: Drills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("ledger", empty_sqlite(tmp_path / "evidence.db"))
    monkeypatch.setenv("DRILLS_AUTO_UPGRADE", "0")
    assert drills("rotate-key", "--by", "maria") == 2
    assert f"this program writes version {NEWEST}; run `drills evidence upgrade`" in drills.err
    assert drills.err.count("\n") == 1
    assert drills("verify") == 0
    monkeypatch.setenv("DRILLS_AUTO_UPGRADE", "perhaps")
    assert drills("rotate-key", "--by", "maria") == 2
    assert 'DRILLS_AUTO_UPGRADE is "perhaps"; must be 1 or 0' in drills.err


@pytest.mark.parametrize("words", ["verify", "list", "head", "upgrade", "backup copy.db", "prune --by maria"])
def test_a_newer_database_is_refused_in_one_line(words: str, drills: Drills, tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "evidence.db")
    fill(database, (2,))
    with database.write() as connection:
        connection.execute(SCHEMA_VERSION.update().values(version_num="0999"))
    assert drills(*words.split()) == 2
    assert "it has schema version 999" in drills.err
    assert drills.err.strip().count("\n") == 0
