"""`drills test`: expectations as people write them, and what a difference looks like."""
# ruff: noqa: E501 - a line for each example

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from rollback_drills_cli.main import main
from tests.samples.builders import DRILL, SCHEDULE

ROOT = Path(__file__).resolve().parents[3]
Test = Callable[..., tuple[int, str, str]]
GOOD = """
schema_version: rollback-drills.expectations.v1
expectations:
- name: owners are notified a week before
  at: 2026-11-21T09:00:00Z
  schedule_id: payments
  status: due_soon
  next_due_at: 2026-11-27T09:00:00Z
  notified:
  - {provider: slack, owner: team-a}
  - {provider: slack, owner: team-b}
  - {provider: teams, owner: Team-B}
  silent:
  - {provider: teams, owner: team-a, category: maintenance_window, until: 2026-11-23T00:00:00Z}
- name: without a drill it is overdue
  at: 2026-11-28
  drills: []
  status: needs_attention
"""
FREEZE = {
    "window_id": "freeze",
    "start_at": "2026-11-20T00:00:00Z",
    "end_at": "2026-11-23T00:00:00Z",
    "owners": ["team-a"],
    "providers": ["teams"],
}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Test:
    schedule = {**SCHEDULE, "maintenance_windows": [FREEZE]}
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    (tmp_path / "schedule.json").write_text(json.dumps(schedule))
    (tmp_path / "history.json").write_text(json.dumps(history))
    monkeypatch.setenv("DRILLS_SCHEDULE", str(tmp_path / "schedule.json"))
    monkeypatch.setenv("DRILLS_HISTORY", str(tmp_path / "history.json"))
    monkeypatch.chdir(tmp_path)

    def call(text: str, *words: str, name: str = "expectations.yaml") -> tuple[int, str, str]:
        if text:
            Path(name).write_text(text)
        monkeypatch.setattr("sys.argv", ["drills", "test", name, *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def test_what_is_as_expected_passes(run: Test) -> None:
    code, out, err = run(GOOD)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "pass  owners are notified a week before",
        "pass  without a drill it is overdue",
        "2 as expected, 0 not",
    ]


def test_without_a_schedule_there_is_nothing_to_test(run: Test, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRILLS_SCHEDULE")
    code, _, err = run(GOOD)
    assert code == 2
    assert "DRILLS_SCHEDULE is not set" in err


def test_json_is_read_as_well(run: Test) -> None:
    document = yaml.load(GOOD, yaml.BaseLoader)
    assert run(json.dumps(document), name="expectations.json")[0] == 0


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (("status: due_soon", "status: ready"), "status is due_soon, expected ready: the next drill is due"),
        (
            ("next_due_at: 2026-11-27", "next_due_at: 2026-11-28"),
            "due 2026-11-27T09:00:00+00:00, expected 2026-11-28T09:00:00+00:00",
        ),
        (("  - {provider: slack, owner: team-b}\n", ""), "slack to team-b: notified, expected not to be"),
        (
            ("{provider: slack, owner: team-a}", "{provider: teams, owner: team-a}"),
            "teams to team-a: not notified (maintenance_window: maintenance window freeze: no reason)",
        ),
        (("owner: Team-B", "owner: team-c"), "teams to team-c: there is no such route, expected to be notified"),
        (
            ("category: maintenance_window", "category: owner_calendar"),
            "teams to team-a: silent by maintenance_window, expected owner_calendar",
        ),
        (("until: 2026-11-23", "until: 2026-11-24"), "silent until 2026-11-23T00:00:00+00:00, expected 2026-11-24"),
        (("{provider: teams, owner: team-a, c", "{provider: slack, owner: team-a, c"), "slack to team-a: notified, expected to be silent"),
        (("schedule_id: payments", "schedule_id: paiments"), "there is no schedule paiments; did you mean payments?"),
    ],
)  # fmt: skip
def test_a_difference_is_shown_and_ends_with_1(run: Test, change: tuple[str, str], difference: str) -> None:
    code, out, _ = run(GOOD.replace(*change))
    assert code == 1
    assert "FAIL  owners are notified a week before" in out
    assert difference in out
    assert "1 as expected, 1 not" in out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expectations.yaml: does not exist; create the file, or fix the path"),
        ("a: [", "expectations.yaml: cannot be read as YAML: "),
        (GOOD + "  status: ready\n", 'cannot be read as YAML: "status" is there twice; remove one of them, line 19'),
        ("a: &a [1, 2]\nb: [*a, *a]", "an alias stands here; write it out, line 2 column 5"),
        ("\xff\x00", "expectations.yaml: cannot be read as YAML"),
        ("[]", "expectations.yaml: $ is []; must be a JSON object"),
        (GOOD.replace("status: due_soon", "status: soon"), 'status is "soon"; must be one of ready, due_soon'),
        (GOOD.replace("silent:", "silend:"), "$.expectations[0].silend is an unknown key; did you mean 'silent'?"),
        (GOOD.replace("expectations.v1", "expectations.v9"), "schema_version is 'rollback-drills.expectations.v9'"),
        (GOOD.replace("at: 2026-11-28", "at: soon"), "at is 'soon'; write a time such as 2026-12-01T09:00:00Z"),
        (GOOD.replace("  status: needs_attention\n", ""), "expects nothing; write status, next_due_at, notified or"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_one_line_with_its_place(run: Test, text: str, problem: str) -> None:
    code, out, err = run(text)
    assert (code, out) == (2, "")
    assert problem in err
    assert len(err.splitlines()) == 1


def test_the_first_file_is_written_from_what_happens_and_passes(run: Test, tmp_path: Path) -> None:
    code, out, _ = run("", "--record", "--now", "2026-11-21T09:00:00Z")
    assert code == 0
    assert out == "expectations.yaml: 1 expectations written; keep what matters to you\n"
    assert "until: '2026-11-23T00:00:00Z'" in Path("expectations.yaml").read_text()
    assert run("")[0] == 0

    code, _, err = run("", "--record")
    assert code == 2
    assert "expectations.yaml exists; remove it first" in err

    assert run("", "--record", name="recorded.json")[0] == 0
    assert run("", name="recorded.json")[0] == 0


def test_results_are_written_for_machines(run: Test, tmp_path: Path) -> None:
    bad = GOOD.replace("status: due_soon", "status: ready")
    code, out, _ = run(bad, "--format", "junit", "--out", "report.xml")
    assert code == 1
    assert "1 as expected, 1 not" in out
    suites = ET.parse("report.xml").getroot()
    assert suites.attrib["failures"] == "1"
    assert [each.attrib["file"] for each in suites.iter("testcase")] == ["expectations.yaml"] * 2

    code, out, _ = run(bad, "--format", "github")
    assert code == 1
    assert out.splitlines()[0] == "::notice title=drills test::1 as expected, 1 not"
    assert out.splitlines()[1].startswith(
        "::error file=expectations.yaml,title=owners are notified a week before::status is due_soon"
    )

    code, out, _ = run(bad, "--format", "json")
    assert [each["passed"] for each in json.loads(out)["items"]] == [False, True]

    code, _, err = run(bad, "--format", "xml")
    assert code == 2
    assert "--format xml is unknown; write one of table, json, github, junit" in err
    assert "--now goes with --record" in run(bad, "--now", "2026-01-01")[2]


def jobs_of_the_manual() -> list[dict[str, Any]]:
    """Return the pipeline jobs that people are told to copy."""
    page = (ROOT / "docs" / "how-to" / "test-your-schedules.md").read_text()
    blocks = re.findall(r"```yaml\n(schedule-tests:.*?)```", page, re.DOTALL)
    return [job for block in blocks for job in yaml.safe_load(block).values()]


@pytest.mark.parametrize("job", jobs_of_the_manual(), ids=["github", "gitlab"])
def test_the_jobs_of_the_manual_pass_on_the_examples_and_fail_on_another_fleet(
    job: dict[str, Any], run: Test, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = job.get("script") or [each["run"] for each in job["steps"] if "run" in each]
    (command,) = [each.split()[2:] for each in commands if each.startswith("drills test ")]
    monkeypatch.delenv("DRILLS_HISTORY")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert run("", *command[1:], name=command[0])[0] == 0
    report = job.get("artifacts", {}).get("reports", {}).get("junit")
    assert report is None or ET.parse(report).getroot().attrib["failures"] == "0"

    other = [str(tmp_path / "schedule.json") if each == "examples/fleet" else each for each in command]
    assert run("", *other[1:], name=other[0])[0] == 1


def test_the_page_shows_what_the_example_has(run: Test) -> None:
    page = (ROOT / "docs" / "how-to" / "test-your-schedules.md").read_text()
    shown = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    example = yaml.safe_load((ROOT / "examples" / "expectations.yaml").read_text())
    assert shown["expectations"][0] in example["expectations"]
