"""A run that hangs is given up, its slot is free, and the next run continues with what it left."""

import json
import runpy
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import Pending
from pytest_httpserver import HTTPServer
from werkzeug import Response

from flows import timeouts
from flows.acknowledge_notification import acknowledge_notification
from flows.approve_replay import approve_replay
from flows.decide_exception import decide_exception
from flows.deliver_notifications import deliver_notifications
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from flows.execute_replay import execute_replay
from flows.grant_exception import grant_exception
from flows.record_drill import record_drill
from flows.release_gate import release_gate
from flows.replay_notifications import replay_notifications
from flows.request_exception import request_exception
from flows.request_replay import request_replay
from flows.review_notifications import review_notifications
from rollback_drills.errors import UsageError
from tests.samples.builders import SCHEDULE

FLOWS: Any = (
    *(acknowledge_notification, deliver_notifications, drill_check, grant_exception),
    *(request_exception, decide_exception),
    *(replay_notifications, request_replay, approve_replay, execute_replay),
    *(record_drill, release_gate, review_notifications),
)


@pytest.fixture
def schedule(tmp_path: Path) -> str:
    """Write a schedule that is overdue, with one owner."""
    document = {**SCHEDULE, "owners": ["team-a"], "notification_providers": ["webhook"]}
    (tmp_path / "schedule.json").write_text(json.dumps(document))
    return str(tmp_path / "schedule.json")


@pytest.fixture
def answer(receiver: HTTPServer) -> Iterator[Event]:
    """Let the receiver answer nothing until this is set."""
    event = Event()

    def wait(_: object) -> Response:
        event.wait(30)
        return Response("taken")

    receiver.clear()
    receiver.expect_request("/webhook").respond_with_handler(wait)
    yield event
    event.set()


def test_every_flow_is_given_up_after_an_hour_and_the_follow_up_after_a_quarter() -> None:
    assert {each.timeout_seconds for each in FLOWS} == {3600.0}
    assert escalate_unacknowledged.timeout_seconds == 900.0


def test_the_time_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRILLS_RUN_TIMEOUT_SECONDS", "90")
    assert runpy.run_path(timeouts.__file__)["RUN_TIMEOUT_SECONDS"] == 90.0

    monkeypatch.setenv("DRILLS_RUN_TIMEOUT_SECONDS", "1 hour")
    with pytest.raises(UsageError, match="DRILLS_RUN_TIMEOUT_SECONDS is"):
        runpy.run_path(timeouts.__file__)


@pytest.mark.usefixtures("url")
def test_a_run_that_hangs_frees_its_slot_and_loses_and_repeats_nothing(
    schedule: str, answer: Event, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill_check, "timeout_seconds", 2.0)
    with get_client(sync_client=True) as client:
        deployment_id = client.create_deployment(client.create_flow(drill_check), "hung", concurrency_limit=1)
        run = client.create_flow_run_from_deployment(deployment_id)
        client.set_flow_run_state(run.id, Pending())  # takes the slot, as a worker does
        with ThreadPoolExecutor() as pool:
            slots = pool.submit(watch, run.id, deployment_id, answer)
            state: Any = run_flow(
                drill_check,
                flow_run=client.read_flow_run(run.id),
                parameters={"schedule": schedule, "timeout_seconds": 60},
                return_type="state",
            )
    assert (state.name, state.type.value) == ("TimedOut", "FAILED")
    assert "exceeded timeout of 2.0 second(s)" in state.message
    assert slots.result() == [1, 0]

    monkeypatch.setattr(drill_check, "timeout_seconds", 60.0)
    following: Any = drill_check(schedule=schedule, return_state=True)
    assert following.name == "NeedsAttention", following.message
    assert len(receiver.log) == 1


def watch(run_id: UUID, deployment_id: UUID, answer: Event) -> list[int]:
    """Return how many slots are taken while the run hangs and when it has ended; then let it be answered."""
    slots = []
    with get_client(sync_client=True) as client:
        for _ in range(300):
            state = client.read_flow_run(run_id).state
            limit = client.read_deployment(deployment_id).global_concurrency_limit
            assert limit
            slots.append(limit.active_slots)
            if state and state.is_final():
                break
            time.sleep(0.1)
    answer.set()
    return [slots[0], slots[-1]]
