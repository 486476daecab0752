"""The gate with a proof of what is promoted: blocked until an accepted drill came after every change."""

import json
from pathlib import Path

import pytest

from tests.samples.builders import DRILL, SCHEDULE
from tests.samples.changes import write_changes
from tests.samples.commands import drills

AT = ("--now", "2026-12-01T12:00:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold two schedules that are due in January, each with a drill of 20 November."""
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    for name in ("payments", "search"):
        schedule = {**SCHEDULE, "schedule_id": name, "next_due_at": "2027-01-10T09:00:00Z"}
        (tmp_path / f"{name}-schedule.json").write_text(json.dumps(schedule))
        mine = {**history, "drills": [{**DRILL, "drill_id": f"{name}-1"}]}
        (tmp_path / f"{name}-history.json").write_text(json.dumps(mine))
    return tmp_path


def gate(folder: Path, *words: str, **environ: str) -> tuple[int, dict[str, str]]:
    """Decide the gate; return its exit code and, by schedule, what it says of the proof."""
    done = drills("gate", "--schedule", ".", *words, *AT, "--json", cwd=folder, **environ)
    if done.returncode == 2:
        return 2, {"": done.stderr}
    checks = json.loads(done.stdout)["checks"]
    return done.returncode, {
        each["schedule_id"]: each["message"] for each in checks if each["id"].endswith("current_proof")
    }


def test_only_the_schedules_that_a_change_concerns_are_blocked(folder: Path) -> None:
    write_changes(folder / "changes.json", {"schedule_ids": ["payments"]})

    assert gate(folder, "--changes", "changes.json") == (0, {})
    code, said = gate(folder, "--require-current-proof", DRILLS_CHANGES="changes.json")

    assert code == 1
    assert said == {
        "payments": (
            "there is no accepted drill since the promotion of payments 2.4.0 (rel-42) on"
            " 2026-12-01T09:00:00+00:00; perform a drill and record it"
        ),
        "search": "no change since the latest accepted drill",
    }


def test_a_missing_proof_is_what_failed_in_the_gate(folder: Path) -> None:
    write_changes(folder / "changes.json", {"schedule_ids": ["payments"]})
    words = ("--schedule", ".", "--require-current-proof", "--changes", "changes.json", "--json")

    document = json.loads(drills("gate", *words, *AT, cwd=folder).stdout)

    missing, proven = (each for each in document["checks"] if each["id"].endswith("current_proof"))
    failed = "go_rollback_drill_proves_what_is_promoted"
    assert document["first_failed_check"] == missing
    assert (document["status"], document["acceptable"]) == ("needs_attention", False)
    assert (missing["status"], missing["state"], missing["failed_check"]) == (
        "warn",
        "needs_attention",
        failed,
    )
    assert missing["findings"] == [{"id": failed, "message": missing["message"]}]
    assert (proven["status"], proven["state"], proven["failed_check"]) == ("pass", "ready", "")
    assert proven["findings"] == []
    assert missing["path"] == "payments-history.json"


def test_a_change_before_the_drill_or_in_the_future_blocks_nothing(folder: Path) -> None:
    times = ("2026-11-19T09:00:00Z", "2026-12-02T09:00:00Z")
    changes = [{"change_id": each, "promoted_at": each} for each in times]
    write_changes(folder / "changes.json", *changes)

    code, said = gate(folder, "--require-current-proof", "--changes", "changes.json")

    assert (code, set(said.values())) == (0, {"no change since the latest accepted drill"})


def test_what_is_not_known_opens_no_gate(folder: Path) -> None:
    code, said = gate(folder, "--require-current-proof")
    assert code == 2
    assert said[""].startswith("drills: --require-current-proof needs to know what was promoted; set DRILLS")

    (folder / "changes.json").write_text("{")
    code, said = gate(folder, "--require-current-proof", "--changes", "changes.json")
    assert code == 1
    assert all(each.startswith("changes.json: ") for each in said.values())


def test_a_schedule_that_is_unknown_opens_no_gate(folder: Path) -> None:
    write_changes(folder / "changes.json")
    proof = ("--changes", "changes.json", "--require-current-proof", "--schedule")
    (folder / "search-schedule.json").write_text("{")

    assert gate(folder, *proof, "none.json") == (
        1,
        {"none.json": "none.json: does not exist; create the file, or fix the path"},
    )
    code, said = gate(folder, *proof, ".")
    assert code == 1
    assert said["search-schedule.json"].startswith("search-schedule.json: ")


@pytest.mark.parametrize("words", [(), ("--history", "payments-history.json")])
def test_a_gate_without_a_schedule_knows_of_no_proof(folder: Path, words: tuple[str, ...]) -> None:
    write_changes(folder / "changes.json")

    done = drills("gate", *words, "--require-current-proof", "--changes", "changes.json", *AT, cwd=folder)

    assert done.returncode == 1
    assert "no drill schedule is configured; set DRILLS_SCHEDULE or give its path" in done.stdout
    assert "schedule-not-configured" not in done.stdout


def test_a_retired_schedule_is_asked_for_no_proof_unless_all_are_retired(folder: Path) -> None:
    write_changes(
        folder / "changes.json", {"promoted_at": "2026-12-01T10:00:00Z", "schedule_ids": ["search"]}
    )
    proof = ("--changes", "changes.json", "--require-current-proof")
    retired = {**SCHEDULE, "status": "retired"}

    (folder / "search-schedule.json").write_text(json.dumps({**retired, "schedule_id": "search"}))
    assert gate(folder, *proof) == (0, {"payments": "no change since the latest accepted drill"})

    (folder / "payments-schedule.json").write_text(json.dumps(retired))
    code, said = gate(folder, *proof)
    assert (code, set(said)) == (1, {"payments", "search"})
    assert said["payments"].endswith("; no schedule is left that proves the rollback")
