"""What lint finds is shown beside the file in a pull request, wherever the command runs."""

import json
import re
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rollback_drills.linting.annotations import write_annotations
from rollback_drills.linting.files import Linted
from rollback_drills_cli.main import app
from tests.samples.builders import SCHEDULE

FOUND = re.compile(r"^::(\w+) (?:file=([^,]*),)?(?:line=(\d+),)?title=drill documents::(.*)$")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hold a workspace of GitHub whose folder `drills` has a schedule with a slip."""
    workspace = tmp_path / "workspace"
    (workspace / "drills").mkdir(parents=True)
    (workspace / "drills" / "a-schedule.json").write_text(json.dumps({**SCHEDULE, "intervall_days": 3}))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(workspace))
    return workspace


def lint(*words: str) -> list[tuple[str, str, str, str]]:
    """Return level, file, line and message of each annotation."""
    done = CliRunner().invoke(app, ["lint", *words, "--format", "github"])
    assert done.exit_code == 1, done.output
    return [found.groups() for line in done.stdout.splitlines() if (found := FOUND.match(line))]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("folder", "path"), [("", "drills"), ("drills", "."), ("drills", "a-schedule.json"), ("/", "")]
)
def test_a_finding_names_the_file_from_the_workspace(
    workspace: Path, folder: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace / folder)

    (level, file, _, message), (summary, *_, counts) = lint(path or str(workspace / "drills"))

    assert (level, file) == ("error", "drills/a-schedule.json")
    assert message.startswith("drills/a-schedule.json: $.intervall_days is an unknown key")
    assert (summary, counts) == ("notice", "documents: 1; findings: 1; warnings: 0")


def test_a_record_of_many_has_its_line_and_a_file_outside_has_no_place(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.dumps({"schedule": SCHEDULE}), json.dumps({"schedule": {**SCHEDULE, "slip": 1}})]
    (workspace / "fleet.jsonl").write_text("\n".join(lines))
    (tmp_path / "a-schedule.json").write_text("{}")
    monkeypatch.chdir(workspace)

    found = lint("fleet.jsonl", "../a-schedule.json")

    assert ("error", "fleet.jsonl", "2") in [each[:3] for each in found]
    assert {each[1] for each in found if "../a-schedule.json" in each[3]} == {None}


def test_errors_come_before_warnings(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    for name in "bc":
        (workspace / "drills" / f"{name}-schedule.json").write_text(json.dumps(SCHEDULE))

    assert [each[0] for each in lint("drills")] == ["error", "warning", "notice"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a b: c.json: $.x is an unknown key", "file=a b%3A c.json,"),
        ("a b is a link to c.json; remove the link", "file=a b,"),
        ("a b:3#payments: $.x is an unknown key", "file=a b,line=3,"),
        ("elsewhere: cannot be searched", ""),
    ],
)
def test_a_finding_belongs_to_the_longest_path_that_it_begins_with(text: str, place: str) -> None:
    files = ["a", "a b: c.json", "a b"]

    written = write_annotations(Linted([text]), files, str)

    assert written.startswith(f"::error {place}title=drill documents::{text}\n")


@pytest.mark.slow
def test_the_time_grows_with_the_findings_and_not_with_their_square() -> None:
    files = [f"fleet/team-{number}/schedule.json" for number in range(30_000)]
    began = time.process_time()

    write_annotations(Linted([f"{each}: $.x is an unknown key" for each in files]), files, str)

    assert time.process_time() - began < 5  # 0.2; 20 if each is compared with all


def test_two_formats_at_once_and_an_unknown_one_are_refused() -> None:
    for words in (["--json", "--format", "github"], ["--format", "xml"]):
        done = CliRunner().invoke(app, ["lint", ".", *words])
        assert (done.exit_code, isinstance(done.exception, SystemExit)) in ((2, True), (1, False))
