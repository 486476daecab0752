"""SQLite files that cannot be written: every command that only reads works with them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from tests.checkout import ROOT
from tests.samples.builders import NOW, SCHEDULE
from tests.samples.world import World

READING = (
    ("evidence", "list"),
    ("evidence", "show", "1"),
    ("evidence", "verify"),
    ("evidence", "head"),
    ("evidence", "prove", "1"),
    ("evidence", "backup", "backup.db"),
    ("outbox", "list"),
    ("routes",),
    ("trends",),
    ("notifications",),
    ("audit-package",),
    ("escalate",),
    ("dashboard",),
    ("console", "--out", "console"),
)
RUN_ALL = """
import json, sys
from rollback_drills_cli.main import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["drills", *words]
    try:
        main()
    except SystemExit as ended:
        print(f"\\n{' '.join(words)}: {ended.code or 0}", file=sys.stderr)
"""
WITHOUT_THE_RIGHTS_OF_ROOT = (
    *("setpriv", "--bounding-set", "-dac_override,-dac_read_search"),
    *("--inh-caps", "-dac_override,-dac_read_search"),
)


def write_evidence(folder: Path) -> Database:
    """Put evidence of a check into a folder, and leave the database open."""
    folder.mkdir()
    database = Database.open(f"sqlite:///{folder / 'evidence.db'}")
    World(database, {**SCHEDULE, "next_due_at": "2026-11-30T09:00:00Z"}, now=NOW).check()
    return database


@pytest.fixture(params=["closed", "in use", "copied with its -wal file", "only the file is protected"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Return a folder with evidence that cannot be written."""
    found = tmp_path / "evidence"
    database = write_evidence(found)
    if request.param == "copied with its -wal file":
        source, found = found, tmp_path / "copy"
        found.mkdir()
        for name in ("evidence.db", "evidence.db-wal"):
            shutil.copy(source / name, found)
    elif request.param != "in use":
        database.engine.dispose()
    for each in found.iterdir():
        each.chmod(0o444)
    if request.param != "only the file is protected":
        found.chmod(0o555)
    yield found
    found.chmod(0o755)
    database.engine.dispose()


def run(database: Path, commands: Sequence[Sequence[str]], cwd: Path) -> dict[str, int]:
    """Run commands in one process, and give the exit code of each."""
    prefix = WITHOUT_THE_RIGHTS_OF_ROOT if os.geteuid() == 0 else ()
    environ = {**os.environ, "DRILLS_DATABASE_URL": f"sqlite:///{database}", "PREFECT_HOME": str(cwd)}
    ran = subprocess.run(
        [*prefix, sys.executable, "-c", RUN_ALL, json.dumps(commands)],
        cwd=cwd,
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    codes = dict(line.rsplit(": ", 1) for line in ran.stderr.splitlines() if line[-3:-1] == ": ")
    assert len(codes) == len(commands), ran.stderr
    return {words: int(code) for words, code in codes.items()}


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="nothing is protected from root"
)
def test_every_reading_command_reads_a_database_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    before = sorted(each.name for each in folder.iterdir())
    codes = run(folder / "evidence.db", READING, tmp_path)
    bad = {words: code for words, code in codes.items() if code == 2}
    assert not bad
    assert codes["evidence verify"] == codes["evidence backup backup.db"] == 0
    assert sorted(each.name for each in folder.iterdir()) == before


def test_writing_to_a_protected_database_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_evidence(tmp_path / "evidence").engine.dispose()
    monkeypatch.setattr("rollback_drills.database.engines.sqlite.os.access", lambda *_: False)
    database = Database.open(f"sqlite:///{tmp_path / 'evidence' / 'evidence.db'}")
    with (
        pytest.raises(Exception, match="make the file and its folder writable"),
        database.write() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM outbox")
