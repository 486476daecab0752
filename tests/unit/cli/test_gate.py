"""`drills gate` as pipelines use it: exit codes, and each format read back by who did not write it."""

import json
import re
import stat
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from ruamel.yaml import YAML
from typer.testing import CliRunner

from rollback_drills.documents.promotion import PromotionDocuments
from rollback_drills.errors.effects import note_effect
from rollback_drills.gate.annotations import write_annotations
from rollback_drills.gate.decision import decide_gate
from rollback_drills.gate.document import Finding, Gate
from rollback_drills.gate.junit import write_junit
from rollback_drills.gate.promotion import report_promotion
from rollback_drills.readiness.criteria import Criteria
from rollback_drills_cli.main import app, main
from tests.checkout import ROOT
from tests.samples.builders import DRILL, NOW, SCHEDULE, called, judged, make_subject
from tests.samples.commands import forget_settings
from tests.samples.promotion import write_promotion

HOSTILE = "a%,b:c\r\n::error::<x>&\"'🔥"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hold a promotion in order, a schedule that is due on 27 November 2026, and its history."""
    forget_settings(monkeypatch)
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))
    (tmp_path / "history.json").write_text(json.dumps(history))
    write_promotion(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


EVERYTHING = (
    *("--promotion-evidence-path", "evidence.json", "--rollback-plan-path", "plan.json"),
    *("--rollback-rehearsal-path", "rehearsal.json", "--rollback-drill-history-path", "history.json"),
    *("--rollback-drill-schedule-path", "schedule.json"),
)
DRILLS = ("--schedule", "schedule.json", "--history", "history.json")
IN_TIME, SOON, LATE = "2026-11-05T09:00:00Z", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00.000001Z"


def gate(*arguments: str) -> tuple[int, str]:
    """Run the command in this process; give its exit code and what it printed."""
    done = CliRunner().invoke(app, ["gate", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "status", "backend"),
    [
        (["--mode", "promoted", *EVERYTHING, "--now", "2026-11-22T09:00:00Z"], 0, "due_soon", "go"),
        (["--mode", "promoted", *EVERYTHING, "--now", SOON], 0, "due_soon", "go"),
        (["--mode", "promoted", *EVERYTHING, "--now", LATE], 1, "needs_attention", "python"),
        (["--mode", "promoted", *DRILLS, "--now", SOON], 1, "needs_attention", "python"),
        (["--mode", "enforce", *EVERYTHING, "--now", SOON], 0, "due_soon", "python"),
        ([*DRILLS, "--now", SOON], 0, "due_soon", "python"),
        ([*DRILLS, "--now", SOON, "--due-soon-days", "0"], 0, "due_soon", "python"),
        ([*DRILLS, "--now", "2026-11-26T09:00:00Z", "--due-soon-days", "0.5"], 0, "ready", "python"),
        ([*DRILLS, "--now", LATE], 1, "needs_attention", "python"),
        ([*DRILLS, "--now", SOON, "--max-age-days", "6.9"], 1, "needs_attention", "python"),
        (["--schedule", "none.json", "--now", SOON], 1, "needs_attention", "python"),
        ([], 0, "not_requested", "python"),
        (["--mode", "promoted"], 1, "needs_attention", "python"),
    ],
)
def test_the_exit_code_says_whether_the_release_may_pass(
    arguments: list[str], code: int, status: str, backend: str, folder: Path
) -> None:
    found, printed = gate(*arguments, "--json")

    document = json.loads(printed)
    assert (found, document["status"], document["selected_backend"]) == (code, status, backend)
    assert document["acceptable"] is (code == 0)


def test_the_environment_names_what_no_flag_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRILLS_MODE", "promoted")
    monkeypatch.setenv("DRILLS_PROMOTION_EVIDENCE", "evidence.json")
    monkeypatch.setenv("DRILLS_ROLLBACK_PLAN", "plan.json")
    monkeypatch.setenv("DRILLS_ROLLBACK_REHEARSAL", "rehearsal.json")

    assert gate(*DRILLS, "--now", SOON)[0] == 0
    assert gate(*DRILLS, "--now", SOON, "--rollback-plan", "none.json")[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--mode", "on"], '--mode is "on"; must be one of disabled'),
        (["--format", "xml"], "--format xml is unknown; write one of table, json, github, junit"),
        (["--json", "--format", "junit"], "--json and --format junit contradict each other"),
        (["--out", "x.txt"], "--out needs --format json, github or junit"),
        (["--json", "--out", "none/x.json"], "--out none/x.json cannot be written: no such file"),
        (["--json", "--out", "."], "--out . cannot be written: is a directory"),
        (["--promotion-evidence", ""], "--promotion-evidence is empty"),
        (["--schedule", "none/*.json"], "none/*.json matches no schedule"),
        (["--history", "*.json", "--schedule", "schedule.json"], "is not one file"),
        (["--now", "soon"], '--now is "soon"'),
        (["--no-such-flag"], "--no-such-flag"),
    ],
)
def test_a_mistake_of_the_caller_is_one_message_and_exit_code_2(
    arguments: list[str],
    problem: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["drills", "gate", *arguments])
    before = sorted(folder.iterdir())

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert problem in said.err
    assert "Traceback" not in said.err
    assert sorted(folder.iterdir()) == before


def test_what_was_written_before_the_command_does_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    note_effect()
    monkeypatch.setattr(sys, "argv", ["drills", "gate", "--mode", "on"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "part of the work" not in capsys.readouterr().err


def test_people_get_a_table_and_the_decision(folder: Path) -> None:
    code, printed = gate("--mode", "promoted", *EVERYTHING, "--now", LATE)

    assert code == 1
    assert "Release gate: needs attention" in printed
    assert (
        "Fell back to python: rollback drill schedule of payments (go_rollback_drill_schedule_not_stale)"
        in (printed)
    )


def test_a_file_is_written_whole_and_the_table_is_printed_besides(folder: Path) -> None:
    (folder / "gate.xml").write_text("of yesterday")

    code, printed = gate(*DRILLS, "--now", SOON, "--format", "junit", "--out", "gate.xml")

    assert code == 0
    assert "Release gate: due soon" in printed
    assert ET.parse(folder / "gate.xml").getroot().get("tests") == "5"
    assert stat.S_IMODE((folder / "gate.xml").stat().st_mode) & 0o444
    assert not [each for each in folder.iterdir() if each.name.startswith(".")]


def test_a_device_is_written_to_and_not_replaced(folder: Path) -> None:
    assert gate("--json", "--out", "/dev/null")[0] == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_link_stays_a_link(folder: Path) -> None:
    (folder / "latest.json").symlink_to(folder / "real.json")
    (folder / "real.json").write_text("")

    gate("--json", "--out", "latest.json")

    assert (folder / "latest.json").is_symlink()
    assert json.loads((folder / "real.json").read_text())["schema_version"] == "rollback-drills.gate.v1"


def decided(schedule_id: str, *, path: str = "schedule.json", left: timedelta = timedelta(days=-1)) -> Gate:
    """Decide the gate of one schedule."""
    subject = make_subject([DRILL], next_due_at=(NOW + left).isoformat())
    judgement = judged(called(subject, schedule_id))
    report = replace(judgement.schedule_report, rollback_drill_schedule_path=path)
    judgement = replace(judgement, schedule_report=report)
    return decide_gate(report_promotion(PromotionDocuments(), Criteria(), now=NOW), [judgement])


def read_annotations(written: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as the runner of GitHub does."""

    def unescape(text: str, marks: str) -> str:
        for mark in marks:
            text = text.replace(f"%{ord(mark):02X}", mark)
        return text.replace("%25", "%")

    found = []
    assert written.endswith("\n")
    for line in written[:-1].split("\n"):
        match = re.fullmatch(r"::(\w+) ([^:]*)::([^\r]*)", line)
        assert match, line
        properties = dict(each.split("=", 1) for each in match[2].split(","))
        found.append(
            (
                match[1],
                {key: unescape(value, "\r\n:,") for key, value in properties.items()},
                unescape(match[3], "\r\n"),
            )
        )
    return found


def test_github_is_told_of_each_failing_check_in_its_file() -> None:
    notice, error = read_annotations(write_annotations(decided("payments")))

    assert (notice[0], notice[1]) == ("notice", {"title": "release gate"})
    assert error[0] == "error"
    assert error[1] == {
        "file": "schedule.json",
        "title": "rollback drill schedule of payments (go_rollback_drill_schedule_not_stale)",
    }
    assert "the drill was due 2026-11-30T09:00:00+00:00, 1.00 days ago; perform it" in error[2]


def test_github_is_warned_of_a_drill_that_is_due_soon_and_told_nothing_of_one_that_is_not() -> None:
    kinds = [
        [
            each[0]
            for each in read_annotations(write_annotations(decided("payments", left=timedelta(days=days))))
        ]
        for days in (14, 15)
    ]

    assert kinds == [["notice", "warning"], ["notice"]]


def test_github_is_warned_of_what_a_check_that_passes_has_found() -> None:
    document = decided("payments", left=timedelta(days=15))
    checks = [
        replace(each, findings=(Finding("x", "look at it"),)) if each.schedule_id else each
        for each in document.checks
    ]

    written = write_annotations(replace(document, checks=tuple(checks)))

    assert [(kind, text) for kind, _, text in read_annotations(written)[1:]] == [
        ("warning", "look at it")
    ] * 2


def test_github_is_warned_of_a_gate_that_checked_nothing(folder: Path) -> None:
    assert gate("--format", "github") == (
        0,
        "::warning title=release gate::nothing was checked: name documents, or set the mode to promoted\n",
    )


def test_github_finds_the_line_of_a_record() -> None:
    _, error = read_annotations(write_annotations(decided("payments", path="all.jsonl:7#schedule")))

    assert (error[1]["file"], error[1]["line"]) == ("all.jsonl", "7")


def test_errors_come_before_warnings() -> None:
    soon = judged(make_subject([DRILL], schedule_id="a", next_due_at="2026-12-02T09:00:00Z"))
    late = judged(make_subject([DRILL], schedule_id="b"))
    both = decide_gate(report_promotion(PromotionDocuments(), Criteria(), now=NOW), [soon, late])

    assert [each[0] for each in read_annotations(write_annotations(both))] == ["notice", "error", "warning"]


def test_no_format_leaves_out_the_warnings_about_the_fleet() -> None:
    document = replace(decided("payments", path="p.json"), warnings=(f"left out: {HOSTILE}", "see p.json"))

    commands = read_annotations(write_annotations(document, lambda _: "fleet/p.json"))
    suite = ET.fromstring(write_junit(document)).find("testsuite")

    assert [each[0] for each in commands] == ["notice", "error", "warning", "warning"]
    assert [each[1:] for each in commands[2:]] == [
        ({"title": "release gate"}, f"left out: {HOSTILE}"),
        ({"title": "release gate"}, "see fleet/p.json"),
    ]
    assert suite is not None
    assert suite[-1].tag == "system-out"
    assert (suite[-1].text or "").splitlines()[0].startswith("left out: a%,b:c")
    assert (suite[-1].text or "").endswith("\nsee p.json")


def test_a_hostile_name_is_one_command_and_reads_back_as_it_was() -> None:
    written = write_annotations(decided(HOSTILE, path=f"{HOSTILE}.json"))

    _, error = read_annotations(written)
    assert HOSTILE in error[1]["title"]
    assert error[1]["file"] == f"{HOSTILE}.json"
    assert "a%25%2Cb%3Ac%0D%0A%3A%3Aerror" in written


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.slow
@given(text=TEXTS)
def test_any_message_reads_back_from_an_annotation(text: str) -> None:
    document = replace(decided("payments"), message=text)

    assert read_annotations(write_annotations(document))[0][2] == text


@pytest.mark.slow
@given(text=TEXTS)
def test_any_message_gives_junit_that_parses(text: str) -> None:
    document = decided("payments")
    check = replace(document.checks[-1], message=text, schedule_id=text, path=text)

    root = ET.fromstring(write_junit(replace(document, message=text, checks=(check,))))

    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    kept = "".join(
        each if each in "\t\n\r" or (each >= " " and each not in "\ufffe\uffff") else "\ufffd"
        for each in text
    )
    assert failure.get("message") == kept


def test_junit_counts_what_it_holds() -> None:
    root = ET.fromstring(write_junit(decided(HOSTILE)))
    suite = root.find("testsuite")

    assert suite is not None
    for element in (root, suite):
        counts = {key: int(element.get(key, "-1")) for key in ("tests", "failures", "errors", "skipped")}
        assert counts == {
            "tests": len(suite.findall("testcase")),
            "failures": len(suite.findall("testcase/failure")),
            "errors": 0,
            "skipped": len(suite.findall("testcase/skipped")),
        }
    assert (suite.get("timestamp"), suite.get("name")) == ("2026-12-01T09:00:00", "release-gate")
    assert [each.get("name", "").split()[0] for each in suite.findall("testcase")] == [
        "go_backend_promotion",
        "go_backend_rollback_controls",
        "go_backend_rollback_rehearsal",
        "go_backend_rollback_drill_history",
        "go_backend_rollback_drill_schedule",
    ]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "go_rollback_drill_schedule_not_stale"
    assert "go_rollback_drill_schedule_not_stale: schedule.json: the drill was due" in (failure.text or "")
    properties = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
    assert properties["selected_backend"] == "python"


def test_junit_tells_of_a_drill_that_is_due_soon_without_failing() -> None:
    root = ET.fromstring(write_junit(decided("payments", left=timedelta(days=2))))

    assert root.get("failures") == "0"
    (told,) = root.findall("testsuite/testcase/system-out")
    assert "the next drill is due 2026-12-03T09:00:00+00:00" in (told.text or "")


def jobs_of_the_manual() -> list[dict[str, Any]]:
    """Return the pipeline jobs that people are told to copy."""
    page = (ROOT / "docs" / "how-to" / "gate-a-release.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    return [job for block in blocks for job in YAML(typ="safe").load(block).values()]


def find_commands(job: dict[str, Any]) -> list[str]:
    """Return what a job runs: its own script, or the steps of our action that its inputs ask for."""
    if "script" in job:
        return [str(each) for each in job["script"]]
    (inputs,) = [each["with"] for each in job["steps"] if "rollback-drills@" in each["uses"]]
    action = YAML(typ="safe").load((ROOT / "action.yml").read_text())
    asked = {f"inputs.{name} == '{value}'" for name, value in inputs.items()}
    steps = [each for each in action["runs"]["steps"] if asked & set(each.get("if", "").split(" && "))]
    return [each["run"].replace('"$RUNNER_TEMP/drills/bin/drills"', "drills") for each in steps]


@pytest.mark.parametrize("job", jobs_of_the_manual(), ids=["github", "gitlab"])
def test_the_jobs_of_the_manual_block_a_late_drill_and_pass_one_in_time(
    job: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = job.get("variables") or job["env"]
    (folder / "release").mkdir()
    given = ("evidence", "plan", "rehearsal", "history", "schedule")
    wanted = ("promotion-evidence", "rollback-plan", "rollback-rehearsal", "drill-history", "drill-schedule")
    for source, target in zip(given, wanted, strict=True):
        (folder / f"{source}.json").rename(folder / "release" / f"{target}.json")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (command,) = [each.split()[1:] for each in find_commands(job) if each.startswith("drills ")]

    codes = [CliRunner().invoke(app, [*command, "--now", at]).exit_code for at in (SOON, LATE)]

    assert codes == [0, 1]
    report = job.get("artifacts", {}).get("reports", {}).get("junit")
    assert report is None or ET.parse(folder / report).getroot().get("failures") == "1"


@pytest.mark.parametrize("where", ["absolute", "from a folder of the workspace", "behind a link", "outside"])
def test_annotations_name_files_as_github_knows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    workspace = tmp_path / "workspace"
    folder = workspace / "drills" if where != "outside" else tmp_path / "elsewhere"
    for each in (workspace, folder):
        each.mkdir(exist_ok=True)
    overdue = {**SCHEDULE, "next_due_at": "2020-01-01T00:00:00Z"}
    (folder / "schedule.json").write_text(json.dumps(overdue))
    given = str(folder / "schedule.json")
    if where == "from a folder of the workspace":
        monkeypatch.chdir(folder)
        given = "schedule.json"
    if where == "behind a link":
        (tmp_path / "link").symlink_to(workspace)
        given = str(tmp_path / "link/drills/schedule.json")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(workspace))
    monkeypatch.setattr("sys.argv", ["drills", "gate", "--schedule", given, "--format", "github"])

    with pytest.raises(SystemExit):
        main()

    written = capsys.readouterr().out
    error = next(line for line in written.splitlines() if line.startswith("::error"))
    if where == "outside":
        assert "file=" not in error
        assert "schedule.json: the drill was due" in error
    else:
        assert error.startswith("::error file=drills/schedule.json,title=")
        assert str(tmp_path) not in written
