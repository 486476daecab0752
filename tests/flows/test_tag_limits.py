"""Concurrency limits on the tags of deliveries, which somebody has created on the Prefect server."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from prefect.states import Pending, Running
from pytest_httpserver import HTTPServer

from flows import delivery
from flows.drill_check import drill_check
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import PLAN_KIND
from tests.samples.builders import SCHEDULE

pytestmark = pytest.mark.usefixtures("prefect_server")
WAITING = "the delivery through webhook waits for a slot of a concurrency limit"


@contextmanager
def limit_of(slots: int, tag: str) -> Iterator[None]:
    """Limit the task runs with a tag."""
    with get_client(sync_client=True) as client:
        client.request("POST", "/concurrency_limits/", json={"tag": tag, "concurrency_limit": slots})
        try:
            yield
        finally:
            client.request("DELETE", "/concurrency_limits/tag/{tag}", path_params={"tag": tag})


@pytest.fixture
def overdue(tmp_path: Path) -> str:
    path = tmp_path / "overdue.json"
    late = {"next_due_at": "2026-11-01T09:00:00Z", "notification_providers": ["webhook"]}
    path.write_text(json.dumps({**SCHEDULE, **late}))
    return str(path)


def test_a_limit_of_no_slot_is_named_and_the_check_is_recorded(
    url: str, overdue: str, receiver: HTTPServer
) -> None:
    with limit_of(0, "status:needs_attention"):
        state = drill_check(schedule=overdue, return_state=True)

    assert state.is_failed()
    assert "webhook (its task run gets no slot of a concurrency limit on one of its tags" in (
        state.message or ""
    )
    assert "`prefect gcl ls` shows the limits" in (state.message or "")
    assert not receiver.log
    assert EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=PLAN_KIND))[1] == 1
    assert drill_check(schedule=overdue, return_state=True).is_completed()
    assert len(receiver.log) == 2, "nothing is lost"


@pytest.mark.parametrize(("state", "says"), [(Pending(), True), (Running(), False)], ids=str)
def test_a_delivery_that_does_not_begin_waits_for_a_slot_and_says_so(
    state: State[Any], says: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "get_run_logger", logging.getLogger)
    future: Any = SimpleNamespace(wait=lambda *_: None, state=state)

    delivery._wait_for("webhook", future)

    assert (WAITING in caplog.text) is says
