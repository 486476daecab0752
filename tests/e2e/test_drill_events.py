"""An event where a drill has run starts a run that records it, on a server with what is deployed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.record_drill import record_drill
from tests.e2e.conftest import PrefectServer, wait_until
from tests.e2e.test_deployments import SCHEDULE
from tests.samples.builders import DRILL

NOW = datetime.now(UTC).replace(microsecond=0)
_WITHIN_SECONDS = 60
EVENT = "rollback-drills.drill.finished"


@pytest.fixture
def deployment(deployed: PrefectServer) -> Iterator[str]:
    """Return the id of the deployment; the runs that no worker takes are removed afterwards."""
    found = deployed.ask("GET", "/deployments/name/record-drill/record-drill")
    yield found["id"]
    for each in runs_of(deployed, found["id"]):
        deployed.ask("DELETE", f"/flow_runs/{each['id']}")


@pytest.fixture
def paths(deployed: PrefectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Write a schedule that is overdue, with its history and a database of its own."""
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    schedule = {**SCHEDULE, "due_policy": "after_completion"}
    old = {**DRILL, "executed_at": (NOW - timedelta(days=40)).isoformat()}
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [old]}
    (tmp_path / "schedule.json").write_text(json.dumps(schedule))
    (tmp_path / "history.json").write_text(json.dumps(history))
    return {"schedule": str(tmp_path / "schedule.json"), "history": str(tmp_path / "history.json")}


def runs_of(server: PrefectServer, deployment: str) -> list[dict[str, Any]]:
    wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found: list[dict[str, Any]] = server.ask("POST", "/flow_runs/filter", wanted)
    return found


def wait_for_runs(server: PrefectServer, deployment: str, count: int) -> None:
    wait_until(
        lambda: True if len(runs_of(server, deployment)) >= count else None, within_seconds=_WITHIN_SECONDS
    )


def emit(server: PrefectServer, drill: dict[str, Any]) -> str:
    """Send an event as `prefect.events.emit_event` does; return its id."""
    identifier = str(uuid4())
    event: dict[str, Any] = {
        "id": identifier,
        "occurred": NOW.isoformat(),
        "event": EVENT,
        "resource": {"prefect.resource.id": "ci.pipeline.payments"},
        "payload": {"schedule_id": "payments", "drill": drill},
    }
    server.ask("POST", "/events", [event])
    return identifier


def test_an_event_leads_to_a_run_and_twice_the_same_drill_is_one_drill(
    deployed: PrefectServer, deployment: str, paths: dict[str, str]
) -> None:
    drill = {**DRILL, "drill_id": "drill-2", "executed_at": NOW.isoformat(), "participants": [{"name": "a"}]}

    for count in (1, 2):
        emit(deployed, drill)
        wait_for_runs(deployed, deployment, count)
    unnamed = emit(deployed, {"status": "fail"})
    wait_for_runs(deployed, deployment, 3)

    parameters = [each["parameters"] for each in runs_of(deployed, deployment)]
    by_id = {each["drill_id"]: each for each in parameters}
    assert set(by_id) == {"drill-2", unnamed}
    with temporary_settings({PREFECT_API_URL: deployed.api}):
        states: list[State[Any]] = [
            record_drill(**each, **paths, provider="slack", return_state=True)
            for each in (by_id["drill-2"], by_id["drill-2"], by_id[unnamed])
        ]

    messages = [state.message or "" for state in states]
    assert messages[0].startswith("drill-2 is recorded and accepted"), messages
    assert messages[1].startswith("drill-2 was recorded before and accepted"), messages
    assert messages[2].startswith(f"{unnamed} is recorded and not accepted"), messages
    recorded = json.loads(Path(paths["history"]).read_text())["drills"]
    assert [each["drill_id"] for each in recorded] == ["drill-1", "drill-2", unnamed]
    assert recorded[1]["participants"] == [{"name": "a"}]
    assert recorded[2]["executed_at"] == NOW.isoformat()
