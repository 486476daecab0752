"""SQLite files that cannot be written: every command that only reads works with them."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from tests.checkout import ROOT
from tests.reading.commands import COMMANDS
from tests.samples.builders import NOW, SCHEDULE
from tests.samples.formats import restore
from tests.samples.tampering import fill
from tests.samples.world import World

READING = (
    ("evidence", "list"),
    ("evidence", "show", "1"),
    ("evidence", "verify"),
    ("evidence", "head"),
    ("evidence", "prove", "1"),
    ("evidence", "backup", "backup.db"),
    ("evidence", "prune", "--by", "maria", "--dry-run"),
    ("outbox", "list"),
    ("outbox", "show", "NOTIFICATION"),
    ("routes",),
    ("trends",),
    ("notifications",),
    ("audit-package",),
    ("escalate",),
    ("dashboard",),
    ("console", "--out", "console"),
    ("look-ahead", "--schedule", f"{ROOT}/examples/fleet"),
    ("explain", "payments_python_fallback_monthly", "--schedule", f"{ROOT}/examples/fleet"),
)
WRITING = (
    ("ack",),
    ("trust",),
    *((each,) for each in ("skip", "postpone", "waive", "record")),
    *(("evidence", each) for each in ("import", "rotate-key", "upgrade")),
    *(("outbox", each) for each in ("replay", "discard")),
    ("connectors", "enable"),
)
WITH_A_SERVER = (("evidence", "export"), ("connectors", "list"))
"""They read the database, and need a Prefect server for something else."""
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


@pytest.fixture(
    params=[
        "closed",
        "in use",
        "copied with its -wal file",
        "copied without its -wal file",
        "beside an empty -wal file",
        "only the file is protected",
        "of an earlier version",
    ]
)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Return a folder with evidence that cannot be written."""
    found = tmp_path / "evidence"
    database = write_evidence(found)
    if request.param.startswith("copied"):
        source, found = found, tmp_path / "copy"
        found.mkdir()
        with database.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(FULL)")
        fill(database, (1,), start=50)
        shutil.copy(source / "evidence.db", found)
        if "without" not in request.param:
            shutil.copy(source / "evidence.db-wal", found)
    elif request.param != "in use":
        database.engine.dispose()
    if request.param == "beside an empty -wal file":
        (found / "evidence.db-wal").touch()
    if request.param == "of an earlier version":
        (found / "evidence.db").unlink()
        restore("ledger", found / "evidence.db")
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
    shutil.copytree(folder, tmp_path / "look")  # nothing may change in the folder itself
    with closing(sqlite3.connect(tmp_path / "look" / "evidence.db")) as connection:
        (notification,) = connection.execute("SELECT min(notification_id) FROM outbox").fetchone()
    before = sorted(each.name for each in folder.iterdir())
    reading = [[notification if word == "NOTIFICATION" else word for word in words] for words in READING]
    codes = run(folder / "evidence.db", reading, tmp_path)
    bad = {words: code for words, code in codes.items() if code == 2}
    assert not bad
    assert codes["evidence verify"] == codes["evidence backup backup.db"] == 0
    assert sorted(each.name for each in folder.iterdir()) == before


def test_every_command_that_takes_a_database_is_tried_or_writes() -> None:
    takes_one = {
        words
        for words, command in COMMANDS.items()
        if any("--database" in each.opts for each in command.params)
    }
    tried = {words for words in takes_one for each in READING if each[: len(words)] == words}
    assert takes_one - tried == {*WRITING, *WITH_A_SERVER}


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
