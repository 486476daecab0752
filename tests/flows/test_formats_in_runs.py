"""Runs on databases of earlier versions: a real check, through a real connector."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from blocks.ledger_key import block_name
from flows.drill_check import drill_check
from rollback_drills.database.connections import Database
from rollback_drills.evidence.heads import find_head
from rollback_drills_cli.main import app
from tests.samples.formats import FIRST, FOLDER, FORMATS, open_key_of, restore

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(
    params=[
        each if each in (FIRST, FORMATS[-1]) else pytest.param(each, marks=pytest.mark.chaos)
        for each in FORMATS
    ]
)
def name(request: pytest.FixtureRequest, url: str, receiver: HTTPServer, tmp_path: Path) -> str:
    """Write a database of an earlier version, and save its key."""
    found = str(request.param)
    restore(found, tmp_path / "evidence.db")
    if found != FIRST:
        key = open_key_of(found)(None)
        Secret(value=key.to_text()).save(block_name(key.public), overwrite=True, _sync=True)  # type: ignore[call-arg]
    return found


@pytest.fixture(autouse=True)
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be where the last check of the dumps was."""
    shutil.copytree(FOLDER / "documents" / "after", tmp_path / "documents")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILLS_SCHEDULE", "documents/*-schedule.json")
    monkeypatch.setenv("DRILLS_HISTORY", "documents/*-history.json")


def check(as_of: str) -> str:
    state = drill_check(as_of=datetime.fromisoformat(as_of), return_state=True)
    assert state.name == "NeedsAttention", state.message
    return str(state.message)


def test_a_check_notifies_nobody_again_and_the_evidence_verifies(
    name: str, receiver: HTTPServer, url: str
) -> None:
    check("2026-11-20T16:00:00Z")
    assert receiver.log == []
    check("2026-11-22T09:00:00Z")
    assert len(receiver.log) == 2  # search is still overdue

    verified = CliRunner().invoke(app, ["evidence", "verify"])
    assert verified.exit_code == 0, verified.output
    assert ("from an index that was not signed" in verified.output) is (name == FIRST)


def test_a_dry_run_leaves_the_database_as_it_is(name: str, url: str, tmp_path: Path) -> None:
    before = Database.at(url).find_version()
    state = drill_check(dry_run=True, return_state=True)
    assert Database.at(url).find_version() == before
    if name == FIRST:
        assert "run `drills evidence upgrade`" in str(state.message)


def test_the_command_upgrades_and_imports(name: str, url: str) -> None:
    done = CliRunner().invoke(app, ["evidence", "upgrade"])
    assert done.exit_code == 0, done.output
    assert ("Imported 36 rows from before the evidence was signed." in done.output) is (name == FIRST)
    again = CliRunner().invoke(app, ["evidence", "upgrade", "--json"])
    assert '"imported": 0' in again.output
    assert find_head(Database.at(url)) is not None
