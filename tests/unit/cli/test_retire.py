"""`drills retire`: what it writes, prints and refuses."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import RETIREMENT_KIND
from rollback_drills_cli.evidence import signing
from rollback_drills_cli.main import app
from tests.samples.builders import SCHEDULE, open_key
from tests.samples.world import World

ROUTES = {"owners": ["team-a"], "notification_providers": ["slack"]}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world with an open cycle, whose document is gone."""
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    monkeypatch.setenv("DRILLS_DATABASE_URL", url)
    monkeypatch.setattr(signing, "open_key", open_key)
    found = World(Database.open(url), ROUTES, now=datetime.now(UTC))
    found.check()
    return found


def run(*options: str, schedule_id: str = "payments", approver: str = "board") -> Any:
    command = ["retire", "--schedule-id", schedule_id, "--approver", approver, "--reason", "backend is gone"]
    return CliRunner().invoke(app, [*command, *options])


def test_a_cycle_without_a_document_is_closed_and_the_evidence_says_by_whom(world: World) -> None:
    done = run()

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("gordret-")
    assert ": payments is retired. The next run sends 1 message about it.\n" in done.stdout
    assert 'judge the document alone: if there is one, set "status": "retired" in it.' in done.stdout
    ((record,), _) = EvidenceIndex(world.database).find(EvidenceFilter(metadata_kind=RETIREMENT_KIND))
    assert (record["approver"], record["reason"], record["change"]) == ("board", "backend is gone", "retired")
    assert world.open_cycles() == []


def test_an_approval_opens_no_gate_and_the_document_does(world: World, tmp_path: Path) -> None:
    path = tmp_path / "fleet.jsonl"
    other = {**SCHEDULE, "schedule_id": "search", "next_due_at": "2099-01-01T00:00:00Z"}
    documents = [{**SCHEDULE, "next_due_at": "2026-01-01T00:00:00Z"}, other]

    def gate_and_check() -> tuple[bool, str]:
        path.write_text("\n".join(map(json.dumps, documents)))
        asked = ("--schedule", str(path), "--now", "2026-06-01T00:00:00Z")
        gate = CliRunner().invoke(app, ["gate", *asked, "--format", "json"]).stdout
        items = json.loads(CliRunner().invoke(app, ["check", *asked, "--json"]).stdout)["items"]
        return "the drill was due" in gate, items[0]["status"]

    before = gate_and_check()
    assert before == (True, "needs_attention")
    assert run("--schedule", str(path)).exit_code == 0
    assert gate_and_check() == before
    documents[0] = {**documents[0], "status": "retired"}
    assert gate_and_check() == (False, "not_requested")


def test_it_is_restored_and_printed_as_json(world: World) -> None:
    run()
    document = json.loads(run("--restore", "--json").stdout)
    assert document["change"] == "restored"


def test_the_requester_does_not_approve(world: World) -> None:
    refused = run("--requested-by", "BOARD")
    assert isinstance(refused.exception, UsageError)
    assert len(world.open_cycles()) == 1
    unknown = run(schedule_id="search")
    assert isinstance(unknown.exception, UsageError)
    assert "known are payments" in str(unknown.exception)


def test_lint_accepts_a_retired_document_and_still_finds_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps({**SCHEDULE, "status": "retired"}))
    accepted = CliRunner().invoke(app, ["lint", str(path)])
    assert accepted.exit_code == 0, accepted.output

    path.write_text(json.dumps({**SCHEDULE, "status": "retired", "owners": []}))
    refused = CliRunner().invoke(app, ["lint", str(path)])
    assert refused.exit_code == 1
    assert "$.owners" in refused.output
