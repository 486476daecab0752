"""The next run marks runs of its deployment as crashed that were killed, and records what they planned."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.flow_engine import run_flow
from prefect.settings import get_current_settings
from prefect.states import Pending, Running
from pytest_httpserver import HTTPServer

from flows.drill_check import drill_check
from rollback_drills.evidence import committed_plans
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import PLAN_KIND, ROUTE_DELIVERY_KIND
from tests.checkout import ROOT
from tests.flows.test_events import PREFIX, find_events
from tests.samples.builders import SCHEDULE
from tests.samples.plain_records import read_plain

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a schedule that is ready."""
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    (tmp_path / "schedule.json").write_text(json.dumps({**SCHEDULE, "next_due_at": "2100-01-01T00:00:00Z"}))
    return str(tmp_path / "schedule.json")


def begin(client: SyncPrefectClient, deployment_id: UUID) -> Any:
    """Create a run of a deployment and take a slot for it, as a worker does."""
    run = client.create_flow_run_from_deployment(deployment_id)
    client.set_flow_run_state(run.id, Pending())
    return client.read_flow_run(run.id)


@pytest.mark.parametrize(("limit", "ended"), [(1, "CRASHED"), (2, "RUNNING")])
def test_the_next_run_marks_what_was_killed_if_it_has_the_only_slot(
    limit: int, ended: str, schedule: str
) -> None:
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(drill_check)
        deployment_id = client.create_deployment(flow_id, f"killed-{limit}", concurrency_limit=2)
        killed = begin(client, deployment_id)
        client.set_flow_run_state(killed.id, Running())
        current = begin(client, deployment_id)
        client.update_deployment(deployment_id, DeploymentUpdate(concurrency_limit=limit))

        state: Any = run_flow(
            drill_check, flow_run=current, parameters={"schedule": schedule}, return_type="state"
        )

        found = client.read_flow_run(killed.id).state
    assert state.name == "Ready", state.message
    assert found is not None
    assert found.type.value == ended
    if ended == "CRASHED":
        assert "was killed: a later run has its slot" in (found.message or "")


def test_a_run_without_a_deployment_marks_nothing(schedule: str) -> None:
    with get_client(sync_client=True) as client:
        other = client.create_flow_run(drill_check)
        client.set_flow_run_state(other.id, Running())

        assert drill_check(schedule=schedule, return_state=True).name == "Ready"

        found = client.read_flow_run(other.id).state
    assert found is not None
    assert found.is_running()


KILLED = """
import os, signal, sys
import flows.check.process
from flows.drill_check import drill_check
setattr(flows.check.process, sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
drill_check(schedule=sys.argv[1])
"""


def check_until(step: str, schedule: Path) -> None:
    """Run a check that is killed before a step of the process."""
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    command = [sys.executable, "-c", KILLED, str(schedule), step]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, timeout=180, check=False)
    assert killed.returncode == -signal.SIGKILL


@pytest.fixture
def overdue(tmp_path: Path) -> Path:
    """Write a schedule of which somebody is notified."""
    schedule = tmp_path / "overdue.json"
    late = {"next_due_at": "2026-11-01T09:00:00Z", "notification_providers": ["webhook"]}
    schedule.write_text(json.dumps({**SCHEDULE, **late}))
    return schedule


def test_the_plan_of_a_run_that_was_killed_before_its_evidence_is_recorded(
    overdue: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is killed after it has delivered, between the commit of the outbox and that of the evidence."""
    check_until("keep_evidence", overdue)
    monkeypatch.setattr(committed_plans, "KILLED_AFTER", timedelta(0))

    drill_check(schedule=str(overdue), return_state=True)

    index = EvidenceIndex.open(url)
    own, of_killed = read_plain(index.database, PLAN_KIND)
    deliveries, _ = index.find(EvidenceFilter(metadata_kind=ROUTE_DELIVERY_KIND))
    assert len(receiver.log) == len(deliveries) == 2
    assert {each["plan_id"] for each in deliveries} == {of_killed["plan_id"]} != {own["plan_id"]}
    assert [each["action"] for each in of_killed["plan"]["route_decisions"]] == ["deliver", "deliver"]
    assert of_killed["flow_run_id"] != own["flow_run_id"]


def find_published(run_id: UUID | None) -> tuple[list[str], list[str]]:
    """Return the keys of the pages that a run published, and the names of its events, its end aside."""
    with get_client(sync_client=True) as client:
        wanted = {"artifacts": {"flow_run_id": {"any_": [str(run_id)]}}}
        pages = client.request("POST", "/artifacts/filter", json=wanted).json()
    related = {"related": {"id": [f"prefect.flow-run.{run_id}"]}}
    events = [each["event"].removeprefix(PREFIX) for each in find_events(related, at_least=1)]
    keys = [each["key"] for each in pages if not each["key"].startswith("rollback-drills-head")]
    return keys, sorted(set(events) - {"check.completed"})


@pytest.mark.usefixtures("url", "receiver")
def test_what_a_run_that_was_killed_did_not_publish_the_next_one_does(overdue: Path) -> None:
    check_until("publish", overdue)

    runs = [drill_check(schedule=str(overdue), return_state=True) for _ in range(2)]

    first, second = (find_published(each.state_details.flow_run_id) for each in runs)
    assert [each.message for each in runs] == [
        "payments needs attention; nothing changed; notifications delivered: 0"
    ] * 2
    assert first == (["rollback-drill-payments"], ["readiness.needs_attention"])
    assert second == ([], [])
