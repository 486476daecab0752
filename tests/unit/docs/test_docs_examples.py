"""The documents and the output that the documentation shows are those of the program."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rollback_drills.rendering.times import write_times
from rollback_drills_cli.main import app
from tests.checkout import ROOT
from tests.reading.documentation import TEXTS, code_blocks

README = TEXTS["README.md"]
CALLS = re.findall(
    r"^drills (.+)$", README.partition("## A first document")[2].partition("\n## ")[0], re.MULTILINE
)


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the schedule and the history of the README where it says."""
    schedule, history = code_blocks(README, "json")
    (tmp_path / "schedule.json").write_text(schedule)
    (tmp_path / "history.json").write_text(history)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.usefixtures("documents")
def test_the_commands_of_the_readme_accept_its_documents(call: str) -> None:
    as_of = [] if call.startswith("lint") else ["--now", "2026-11-28T09:00:00Z"]

    done = CliRunner().invoke(app, [*call.split(), *as_of])

    assert done.exit_code == 0, done.output


def test_the_readme_shows_the_readiness_of_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    command = ["check", "--schedule", "examples/fleet", "--now", "2026-12-01T09:00:00Z", "--json"]
    found = {
        each["schedule"]["schedule_id"] or Path(each["rollback_drill_schedule_path"]).name: each
        for each in json.loads(CliRunner().invoke(app, command).stdout)["items"]
    }
    (shown,) = [each for each in code_blocks(README, "text") if "Readiness on 01 December 2026" in each]
    rows = [re.split(r" {2,}", line.strip()) for line in shown.splitlines() if line.startswith("  ")]

    assert {row[0] for row in rows} == set(found)
    for schedule_id, state, _, why in rows:
        report: dict[str, Any] = found[schedule_id]
        assert report["status"] == state.replace(" ", "_")
        assert why in write_times(report["schedule"]["message"])


def test_the_policies_of_the_manual_are_accepted(tmp_path: Path) -> None:
    pages = ("docs/how-to/acknowledge-and-escalate.md",)
    policies = [block for page in pages for block in code_blocks(TEXTS[page], "json")]
    for number, policy in enumerate(policies):
        path = tmp_path / f"routing-policy-{number}.json"
        path.write_text(policy)

        done = CliRunner().invoke(app, ["lint", str(path)])

        assert done.exit_code == 0, done.output
    assert policies
