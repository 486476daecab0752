"""The gate on a real Prefect server: as a flow, and as a task in the flow of somebody else."""

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, State, flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint

from flows.release_gate import release_gate
from rollback_drills.errors import RollbackNotReadyError, UsageError
from tasks.gate import require_rollback_ready
from tests.flows.test_events import events_of
from tests.samples.builders import DRILL, SCHEDULE
from tests.samples.changes import write_changes
from tests.samples.commands import drills, forget_settings
from tests.samples.promotion import write_promotion

pytestmark = pytest.mark.usefixtures("prefect_server")
SOON = datetime(2026, 11, 27, 9, tzinfo=UTC)
LATE = datetime(2026, 11, 27, 9, 0, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing to the environment of whoever runs the tests."""
    forget_settings(monkeypatch)


@pytest.fixture
def documents(tmp_path: Path) -> dict[str, Any]:
    """Write a promotion in order, a schedule that is due on 27 November 2026, and its history."""
    evidence, plan, rehearsal = write_promotion(tmp_path)
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))
    (tmp_path / "history.json").write_text(json.dumps(history))
    return {
        "schedule": str(tmp_path / "schedule.json"),
        "history": str(tmp_path / "history.json"),
        "promotion_evidence": evidence,
        "rollback_plan": plan,
        "rollback_rehearsal": rehearsal,
    }


def run(documents: Mapping[str, Any], **parameters: Any) -> State[Any]:
    """Run the flow, and give its final state."""
    state: State[Any] = release_gate(**documents, **parameters, return_state=True)
    return state


@pytest.mark.parametrize(
    ("mode", "at", "ended"),
    [
        ("promoted", datetime(2026, 11, 20, 9, tzinfo=UTC), ("COMPLETED", "DueSoon")),
        ("promoted", SOON, ("COMPLETED", "DueSoon")),
        ("promoted", LATE, ("FAILED", "Blocked")),
        ("shadow", SOON, ("COMPLETED", "DueSoon")),
    ],
)
def test_a_gate_ends_in_the_state_of_its_checks(
    mode: str, at: datetime, ended: tuple[str, str], documents: dict[str, Any]
) -> None:
    state = run(documents, mode=mode, as_of=at)

    assert (state.type.value, state.name) == ended


def test_the_message_of_a_blocked_gate_is_one_line_of_bounded_length(documents: dict[str, Any]) -> None:
    state = run({**documents, "promotion_evidence": "a\nb" + "x" * 20_000}, mode="promoted", as_of=SOON)

    assert (state.type.value, state.name) == ("FAILED", "Blocked")
    assert (state.message or "").isprintable()
    assert len(state.message or "") < 2100


def test_a_release_that_may_pass_gives_the_gate_document(documents: dict[str, Any]) -> None:
    gate = run(documents, mode="promoted", as_of=SOON).result()

    assert (gate["selected_backend"], gate["acceptable"]) == ("go", True)
    assert gate["generated_by"] == "release-gate"


def test_nothing_to_check_is_not_requested() -> None:
    state = run({}, as_of=SOON)

    assert (state.type.value, state.name) == ("COMPLETED", "NotRequested")


def test_a_blocked_release_raises_its_reasons(documents: dict[str, Any]) -> None:
    Path(documents["rollback_plan"]).write_text("{}")

    with pytest.raises(RollbackNotReadyError) as raised:
        release_gate(**documents, mode="promoted", as_of=LATE)

    assert [each.split(" (")[0] for each in raised.value.reasons] == [
        "rollback controls",
        "rollback drill schedule of payments",
    ]


@pytest.mark.parametrize(
    ("at", "event", "reasons"),
    [(SOON, "gate.passed", []), (LATE, "gate.blocked", ["rollback drill schedule"])],
)
def test_a_gate_emits_an_event_of_its_own(
    at: datetime, event: str, reasons: list[str], documents: dict[str, Any]
) -> None:
    state = run(documents, mode="promoted", as_of=at)

    (found,) = events_of(state)
    assert found["event"] == f"cavra.go_backend.rollback_drill.{event}"
    assert found["resource"]["prefect.resource.id"] == "rollback-drills.gate.payments"
    related = {each["prefect.resource.role"]: each["prefect.resource.id"] for each in found["related"]}
    assert related["schedule"] == "rollback-drills.schedule.payments"
    assert [each.split(" of ")[0] for each in found["payload"]["reasons"]] == reasons
    assert found["payload"]["message"] == state.message


@pytest.mark.parametrize("at", [SOON, LATE])
def test_the_result_is_persisted_for_callers_in_other_processes(
    at: datetime, documents: dict[str, Any]
) -> None:
    ended = run(documents, mode="promoted", as_of=at)

    assert ended.state_details.flow_run_id is not None
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(ended.state_details.flow_run_id).state
    assert state is not None
    found: Any = state.result(raise_on_failure=False)
    if at == LATE:
        assert isinstance(found, RollbackNotReadyError)
        assert found.reasons
    else:
        assert found["selected_backend"] == "go"


def test_what_the_caller_got_wrong_fails_the_run_with_one_line(tmp_path: Path) -> None:
    state = run({"schedule": f"{tmp_path}/*.json"})

    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "matches no schedule document" in (state.message or "")


def test_a_run_is_named_and_tagged_and_leaves_a_page(documents: dict[str, Any]) -> None:
    state = run(documents, as_of=LATE)

    with get_client(sync_client=True) as client:
        assert state.state_details.flow_run_id is not None
        found = client.read_flow_run(state.state_details.flow_run_id)
        key = ArtifactFilter(key=ArtifactFilterKey(any_=["rollback-drill-payments-gate"]))
        pages = client.read_artifacts(artifact_filter=key)
    assert found.name == "gate of payments"
    assert {"schedule:payments", "environment:production", "status:needs_attention"} <= set(found.tags)
    (page,) = [each for each in pages if each.flow_run_id == found.id]
    assert "# Release gate: needs attention" in str(page.data)
    assert "| rollback drill schedule | payments | needs attention |" in str(page.data)


def test_several_schedules_leave_one_page(documents: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "search-schedule.json").write_text(json.dumps({**SCHEDULE, "schedule_id": "search"}))
    folder = tmp_path / "fleet"
    folder.mkdir()
    for name in ("schedule.json", "search-schedule.json"):
        (tmp_path / name).rename(folder / name)

    state = run({"schedule": str(folder)}, as_of=SOON)

    assert state.name == "DueSoon"
    assert len(state.result()["checks"]) == 7


def test_flow_task_and_command_write_the_same_document(tmp_path: Path) -> None:
    history = {"schema_version": "rollback-drills.history.v1", "drills": [DRILL]}
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    for name in ("payments", "paymemts"):
        schedule = {**SCHEDULE, "schedule_id": name, "next_due_at": "2026-11-27T09:00:00Z"}
        (fleet / f"{name}-schedule.json").write_text(json.dumps(schedule))
        mine = {**history, "drills": [{**DRILL, "drill_id": name}]}
        (fleet / f"{name}-history.json").write_text(json.dumps(mine))
    (fleet / "left-history.json").write_text(json.dumps(history))
    changes = write_changes(
        tmp_path / "changes.json", {"schedule_ids": ["paiments"], "promoted_at": "2026-01-01"}
    )
    asked: dict[str, Any] = {
        "schedule": str(fleet),
        "changes": changes,
        "require_current_proof": True,
        "generated_by": "ci",
    }

    @flow
    def release() -> Any:
        return require_rollback_ready(**asked, as_of=SOON)

    words = (
        "--schedule",
        str(fleet),
        "--changes",
        changes,
        "--require-current-proof",
        "--generated-by",
        "ci",
    )
    by_command = json.loads(drills("gate", *words, "--now", SOON.isoformat(), "--json", cwd=tmp_path).stdout)
    by_flow = run(asked, as_of=SOON).result()

    assert len(by_command["warnings"]) == 2
    assert by_flow == release() == by_command


def test_another_flow_goes_on_only_if_the_rollback_is_ready(documents: dict[str, Any]) -> None:
    released = []

    @flow
    def release(at: datetime) -> None:
        gate = require_rollback_ready(**documents, mode="promoted", as_of=at)
        released.append(gate["selected_backend"])

    release(SOON)
    with pytest.raises(RollbackNotReadyError, match="the rollback is not ready: rollback drill schedule of"):
        release(LATE)

    assert released == ["go"]


def test_another_flow_is_told_what_it_asked_wrongly() -> None:
    @flow
    def release() -> None:
        require_rollback_ready(mode="promted")

    with pytest.raises(UsageError, match='mode is "promted"'):
        release()


def test_the_error_travels_between_processes_with_its_reasons() -> None:
    error = RollbackNotReadyError("the rollback is not ready: a; b", ["a", "b"])

    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), again.reasons) == (RollbackNotReadyError, str(error), ("a", "b"))


def test_the_entrypoint_loads_without_a_placeholder() -> None:
    loaded: Flow[Any, Any] = load_flow_from_entrypoint(
        "flows/release_gate.py:release_gate", use_placeholder_flow=False
    )

    assert loaded.name == "release-gate"
    assert isinstance(loaded.to_deployment(name="x"), RunnerDeployment)
    properties = loaded.parameters.properties
    assert all(each.get("description") for each in properties.values())
