"""The commands of the pages about backups and upgrades do what the pages say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from rollback_drills.database.connections import Database
from rollback_drills.database.versions import NEWEST
from tests.reading.documentation import TEXTS, code_blocks
from tests.samples.databases import empty_sqlite
from tests.samples.formats import load
from tests.samples.schemas import POSTGRES, empty_schema
from tests.samples.tampering import fill

pytestmark = pytest.mark.slow

BACKUP = TEXTS["docs/how-to/back-up-and-restore.md"]
UPGRADE = TEXTS["docs/how-to/upgrade.md"]
SIZE = TEXTS["docs/how-to/plan-the-size.md"]


def section(page: str, heading: str) -> str:
    """Return the commands of a section, one after another."""
    text = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return "\n".join(line.strip() for block in code_blocks(text, "sh") for line in block.splitlines())


def run(script: str, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run commands in a folder that is the home folder, too, until one of them fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DRILLS_", "PREFECT_"))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", script],
        cwd=home,
        env={**kept, "HOME": str(home), "PATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the place of the database in the home folder."""
    return tmp_path / ".rollback-drills" / "evidence.db"


def test_a_backup_is_restored_as_the_page_says(file: Path, tmp_path: Path) -> None:
    database = Database.at(empty_sqlite(file))
    fill(database, (5, 5))
    saved = run(section(BACKUP, "Back up SQLite"), tmp_path)
    assert saved.returncode == 0, saved.stderr
    assert "Backed up 11 rows" in saved.stdout
    fill(database, (5,), start=10)  # what comes later is in the -wal file

    restored = run(section(BACKUP, "Restore SQLite"), tmp_path)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "Verified: everything is as it was signed." in restored.stdout
    assert len(list((tmp_path / ".rollback-drills-before").iterdir())) == 3
    restored_database = Database.at(f"sqlite:///{file}")
    fill(restored_database, (3,), start=10)  # it goes on


def test_a_copy_by_cp_shows_what_is_missing_as_the_page_says(file: Path, tmp_path: Path) -> None:
    database = Database.at(empty_sqlite(file))
    fill(database, (5,))
    database.engine.dispose()
    fill(database, (5,), start=5)
    script = "drills evidence head > head.txt; cp .rollback-drills/evidence.db copy.db\n"
    verify = "drills evidence verify --database sqlite:///copy.db"
    alone = run(f"{script}{verify}", tmp_path)
    assert (alone.returncode, "Verified:" in alone.stdout) == (0, True)
    compared = run(f"{verify} --checkpoint head.txt", tmp_path)
    assert compared.returncode == 1
    shown = " ".join(compared.stdout.split())
    assert "truncated: head.txt is a head over 11 rows, and here are 6, up to" in shown


def test_a_database_is_upgraded_as_the_page_says(file: Path, tmp_path: Path) -> None:
    load("ledger", empty_sqlite(file))
    by_step = section(UPGRADE, "Step by step").partition("drills deploy")[0]
    done = run(f"{by_step}\n{section(UPGRADE, 'Upgrade by hand')}", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Verified: everything is as it was signed.") == 2
    assert f"Upgraded the database from schema version 0 to {NEWEST}." in done.stdout
    assert Database.at(f"sqlite:///{tmp_path / 'evidence-before-upgrade.db'}").find_version() == 0


def test_what_is_old_is_deleted_as_the_page_says(file: Path, tmp_path: Path) -> None:
    fill(Database.at(empty_sqlite(file)), (5,))
    done = run(section(SIZE, "Delete what is old"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prefect_takes_the_settings_of_the_page(tmp_path: Path) -> None:
    shown = "from prefect.settings import get_current_settings as s; v = s().server.services.db_vacuum"
    settings = section(SIZE, "Prefect's database")
    done = run(f"{settings}\npython -c '{shown}; print(sorted(v.enabled), v.retention_period)'", tmp_path)
    assert done.stdout == "['events', 'flow_runs'] 90 days, 0:00:00\n", done.stderr


@pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")
def test_postgresql_is_copied_and_restored_as_the_page_says(tmp_path: Path) -> None:
    with empty_schema() as url:
        fill(Database.at(url), (5,))
        server = make_url(url)
        schema = str(server.query["options"]).partition("=")[2]
        whole, new = (
            server.set(drivername="postgresql", query={}, database=name).render_as_string(hide_password=False)
            for name in (server.database, schema)
        )
        place = server.set(database=schema).render_as_string(hide_password=False)
        names = {"POSTGRES": whole, "NEW_POSTGRES": new, "NEW_DATABASE_URL": place}
        # the test has only a schema of its own, and a server in place of two
        script = section(BACKUP, "PostgreSQL").replace("pg_dump ", f"pg_dump --schema={schema} ")
        try:
            done = run(f'psql --quiet "$POSTGRES" -c "CREATE DATABASE {schema}"\n{script}', tmp_path, **names)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "Verified: everything is as it was signed." in done.stdout
        finally:
            run(f'psql --quiet "$POSTGRES" -c "DROP DATABASE IF EXISTS {schema}"', tmp_path, **names)
