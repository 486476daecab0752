"""A change makes a proof stale: the owner is notified once, the gate is blocked, the next drill closes it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from pytest_httpserver import HTTPServer

from flows.drill_check import drill_check
from flows.record_drill import record_drill
from flows.release_gate import release_gate
from rollback_drills.database.connections import Database
from rollback_drills.evidence.record_kinds import PLAN_KIND
from tests.samples.changes import write_changes
from tests.samples.commands import drills
from tests.samples.plain_records import read_plain
from tests.samples.promotion import write_promotion

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def paths(tmp_path: Path, url: str, receiver: HTTPServer) -> dict[str, str]:
    """Write a schedule that is due in 100 days, and its drill of 40 days ago; nothing is promoted yet."""
    from tests.flows.test_record_drill import HISTORY, SCHEDULE

    schedule = {
        **SCHEDULE,
        "interval_days": 140,
        "redrill_after_change_days": 7,
        "next_due_at": (NOW + 100 * DAY).isoformat(),
    }
    (tmp_path / "schedule.json").write_text(json.dumps(schedule))
    (tmp_path / "history.json").write_text(json.dumps(HISTORY))
    return {
        "schedule": str(tmp_path / "schedule.json"),
        "history": str(tmp_path / "history.json"),
        "changes": write_changes(tmp_path / "changes.json"),
    }


def check(paths: dict[str, str]) -> str | None:
    state: State[Any] = drill_check(**paths, return_state=True)
    return state.name


def gate(paths: dict[str, str], folder: Path) -> tuple[str | None, str | None]:
    evidence, plan, rehearsal = write_promotion(folder)
    state: State[Any] = release_gate(
        **paths,
        mode="promoted",
        promotion_evidence=evidence,
        rollback_plan=plan,
        rollback_rehearsal=rehearsal,
        require_current_proof=True,
        return_state=True,
    )
    return state.name, state.message


def test_a_change_notifies_once_and_blocks_the_gate_until_the_next_drill(
    paths: dict[str, str], url: str, receiver: HTTPServer, tmp_path: Path
) -> None:
    assert check(paths) == "Ready"
    assert gate(paths, tmp_path)[0] == "Ready"

    write_changes(tmp_path / "changes.json", {"promoted_at": (NOW - DAY).isoformat()})
    assert [check(paths) for _ in range(3)] == ["DueSoon"] * 3

    (first,) = [json.loads(request.data) for request, _ in receiver.log]
    assert first["reason"] == "first"
    assert first["summary"]["change"]["change_id"] == "rel-42"
    name, message = gate(paths, tmp_path)
    assert name == "Blocked"
    assert message
    assert "rollback drill current proof of payments" in message
    assert "payments 2.4.0 (rel-42)" in message
    (plan, *_) = read_plain(Database.open(url), PLAN_KIND)
    assert "payments 2.4.0 (rel-42)" in plan["plan"]["reason"]

    record_drill(
        **paths,
        status="pass",
        fallback_verified=True,
        recovery_minutes=7,
        max_recovery_minutes=15,
        evidence_refs=["go-rollback-drill://ci/run-2"],
        return_state=True,
    )

    assert check(paths) == "Ready"
    assert gate(paths, tmp_path)[0] == "Ready"
    assert [json.loads(request.data)["reason"] for request, _ in receiver.log] == ["first", "resolved"]


@pytest.mark.parametrize("is_option", [False, True], ids=["by the environment", "by the option"])
def test_a_delivery_on_demand_reads_the_changes(
    paths: dict[str, str], url: str, receiver: HTTPServer, tmp_path: Path, is_option: bool
) -> None:
    changes = write_changes(tmp_path / "changes.json", {"promoted_at": (NOW - DAY).isoformat()})
    option = ["--changes", changes] if is_option else []
    environ = {} if is_option else {"DRILLS_CHANGES": changes}

    documents = ["--schedule", paths["schedule"], "--history", paths["history"]]
    done = drills("deliver", *documents, *option, cwd=tmp_path, DRILLS_DATABASE_URL=url, **environ)

    assert done.returncode == 0, done.stderr
    (first,) = [json.loads(request.data) for request, _ in receiver.log]
    assert first["summary"]["change"]["change_id"] == "rel-42"


def test_a_gate_that_demands_a_current_proof_must_know_what_was_promoted(
    paths: dict[str, str], tmp_path: Path
) -> None:
    del paths["changes"]

    name, message = gate(paths, tmp_path)

    assert name == "Failed"
    assert message
    assert message.startswith("require_current_proof needs to know what was promoted; set DRILLS_CHANGES")
