"""A fleet of more schedules than anybody reads: what presses comes first, and the rest is counted."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.samples.commands import drills

NOW: Final = "2026-12-01T09:00:00Z"
COUNT: Final = 230
OVERDUE: Final = "service-229"  # the last one


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 230 schedules, of which the last one is overdue and the others are ready."""
    folder = tmp_path_factory.mktemp("fleet")
    lines = [json.dumps(_record(f"service-{number:03d}")) for number in range(COUNT)]
    (folder / "fleet.jsonl").write_text("\n".join(lines))
    return folder


def _record(name: str) -> dict[str, Any]:
    schedule = {
        "schema_version": "rollback-drills.schedule.v1",
        "schedule_id": name,
        "environment": "production",
        "status": "active",
        "interval_days": 30,
        "next_due_at": "2026-11-20T09:00:00Z" if name == OVERDUE else "2027-01-20T09:00:00Z",
        "owners": ["payments-team"],
        "notification_providers": ["slack"],
        "runbook_ref": "docs/runbook.md",
    }
    return {"schedule": schedule}


def test_check_lists_what_presses_first_and_counts_the_rest(fleet: Path) -> None:
    done = drills("check", "--schedule", "fleet.jsonl", "--now", NOW, cwd=fleet)

    rows = [line for line in done.stdout.splitlines() if "service-" in line]
    assert OVERDUE in rows[0]
    assert "service-000" in done.stdout
    assert "service-228" not in done.stdout
    assert "Needs attention: 1, ready: 229." in done.stdout
    assert "30 more are not listed; --json has all." in done.stdout


@pytest.mark.slow
def test_plan_lists_what_presses_first_and_sums_up_all(fleet: Path) -> None:
    done = drills("plan", "--schedule", "fleet.jsonl", "--now", NOW, cwd=fleet)

    assert done.stdout.startswith(f"{OVERDUE}: needs attention")
    assert "service-228" not in done.stdout
    assert "30 more are not listed; --json has all." in done.stdout
    assert "In all 1 to notify, 229 suppressed." in done.stdout


def test_json_has_all(fleet: Path) -> None:
    for command in ("check", "plan"):
        done = drills(command, "--schedule", "fleet.jsonl", "--now", NOW, "--json", cwd=fleet)

        assert len(json.loads(done.stdout)["items"]) == COUNT


def test_the_gate_shows_what_blocks_and_counts_the_rest(fleet: Path) -> None:
    done = drills("gate", "--schedule", "fleet.jsonl", "--now", NOW, cwd=fleet)

    assert done.returncode == 1
    assert OVERDUE in done.stdout
    assert "more checks are not shown" in done.stdout


def test_a_fault_of_a_schedule_without_an_id_names_one_place(tmp_path: Path) -> None:
    fault = "$.drils is an unknown key; did you mean 'drills'?"
    lines = [
        json.dumps({"schedule": {**_record("search")["schedule"], **changes}, "history": {"drils": []}})
        for changes in ({"interval_days": "x"}, {})
    ]
    (tmp_path / "fleet.jsonl").write_text("\n".join(lines))

    printed = drills("check", "--schedule", "fleet.jsonl", cwd=tmp_path, COLUMNS="200").stdout.splitlines()

    assert [each for each in printed if fault in each] == [
        f"fleet.jsonl:1#history: {fault}",
        f"search: fleet.jsonl:2#history: {fault}",
    ]
