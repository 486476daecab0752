"""SQLite files that cannot be written: every command that only reads works with them."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
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
    ("outbox", "requests"),
    ("connectors", "outages"),
    ("routes",),
    ("trends",),
    ("notifications",),
    ("audit-package",),
    ("escalate",),
    ("dashboard",),
    ("requests", "list"),
    ("links", "feeds"),
    ("console", "--out", "console"),
    ("look-ahead", "--schedule", f"{ROOT}/examples/fleet"),
    ("alarm-path", "--schedule", f"{ROOT}/examples/fleet"),
    ("explain", "payments_rollback_drills_monthly", "--schedule", f"{ROOT}/examples/fleet"),
)
OF_EVERY_DATABASE = (
    ("evidence", "list"),
    ("evidence", "verify"),
    ("evidence", "backup", "backup.db"),
    ("routes",),
)
"""What the ordinary tests try with each kind of database; all commands open one in the same way."""
WRITING = (
    ("ack",),
    *(("links", each) for each in ("revoke", "feed", "revoke-feed")),
    ("trust",),
    *(("requests", each) for each in ("create", "approve", "decline")),
    *((each,) for each in ("skip", "postpone", "waive", "retire", "record")),
    *(("evidence", each) for each in ("import", "rotate-key", "upgrade")),
    *(("outbox", each) for each in ("replay", "discard")),
    *(("outbox", f"{each}-replay") for each in ("request", "approve", "execute")),
    *(("connectors", each) for each in ("enable", "disable", "close-outage")),
)
WITH_A_SERVER = (("evidence", "export"), ("connectors", "list"))
"""They read the database, and need a Prefect server for something else."""
RUN_ALL = """
import json, os, sys
from rollback_drills_cli.main import main
for place, folder, commands in json.loads(sys.argv[1]):
    os.environ["DRILLS_DATABASE_URL"] = f"sqlite:///{folder}/evidence.db"
    os.makedirs(place)
    os.chdir(place)
    for words in commands:
        sys.argv = ["drills", *words]
        try:
            main()
        except SystemExit as ended:
            print("\\nended", json.dumps([folder, " ".join(words), ended.code or 0]), file=sys.stderr)
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


KINDS = (
    "closed",
    "in use",
    "copied with its -wal file",
    "copied without its -wal file",
    "beside an empty -wal file",
    "only the file is protected",
    "of an earlier version",
)


@contextmanager
def protected(kind: str, place: Path) -> Iterator[Path]:
    """Return a folder with evidence that cannot be written."""
    place.mkdir()
    found = place / "evidence"
    database = write_evidence(found)
    if kind.startswith("copied"):
        source, found = found, place / "copy"
        found.mkdir()
        with database.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(FULL)")
        fill(database, (1,), start=50)
        shutil.copy(source / "evidence.db", found)
        if "without" not in kind:
            shutil.copy(source / "evidence.db-wal", found)
    elif kind != "in use":
        database.engine.dispose()
    if kind == "beside an empty -wal file":
        (found / "evidence.db-wal").touch()
    if kind == "of an earlier version":
        (found / "evidence.db").unlink()
        restore("ledger", found / "evidence.db")
    for each in found.iterdir():
        each.chmod(0o444)
    if kind != "only the file is protected":
        found.chmod(0o555)
    yield found
    found.chmod(0o755)
    database.engine.dispose()


def find_commands(folder: Path, copy: Path) -> list[list[str]]:
    """Return the commands that read, with the id of a notification; nothing changes in the folder itself."""
    shutil.copytree(folder, copy)
    with closing(sqlite3.connect(copy / "evidence.db")) as connection:
        (notification,) = connection.execute("SELECT min(notification_id) FROM outbox").fetchone()
    return [[notification if word == "NOTIFICATION" else word for word in words] for words in READING]


def run(commands: Mapping[Path, Sequence[Sequence[str]]], place: Path) -> dict[Path, dict[str, int]]:
    """Run commands on databases in one process, and return the exit code of each, by database."""
    prefix = WITHOUT_THE_RIGHTS_OF_ROOT if os.geteuid() == 0 else ()
    given = [(str(place / str(number)), str(each), commands[each]) for number, each in enumerate(commands)]
    ran = subprocess.run(
        [*prefix, sys.executable, "-c", RUN_ALL, json.dumps(given)],
        cwd=place,
        env={**os.environ, "PREFECT_HOME": str(place), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    ended = [json.loads(line[6:]) for line in ran.stderr.splitlines() if line.startswith("ended ")]
    assert len(ended) == sum(map(len, commands.values())), ran.stderr
    return {
        folder: {words: code for place, words, code in ended if place == str(folder)} for folder in commands
    }


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="nothing is protected from root"
)
@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param({"in use", "of an earlier version"}, id="some databases with every command"),
        pytest.param(set(KINDS), id="every database with every command", marks=pytest.mark.chaos),
    ],
)
def test_every_reading_command_reads_a_database_that_cannot_be_written(
    kinds: set[str], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        folders = {stack.enter_context(protected(kind, tmp_path / kind)): kind for kind in KINDS}
        before = {folder: sorted(each.name for each in folder.iterdir()) for folder in folders}
        commands = {
            folder: [
                words
                for words in find_commands(folder, folder.parent / "look")
                if kind in kinds or tuple(words) in OF_EVERY_DATABASE
            ]
            for folder, kind in folders.items()
        }

        for folder, codes in run(commands, tmp_path).items():
            kind = folders[folder]
            bad = {words: code for words, code in codes.items() if code == 2}
            assert not bad, kind
            assert codes["evidence verify"] == codes["evidence backup backup.db"] == 0, kind
            assert sorted(each.name for each in folder.iterdir()) == before[folder], kind


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
