"""Concurrency limits on the tags of deliveries, which somebody has created on the Prefect server."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from pytest_httpserver import HTTPServer

from flows import delivery
from flows.drill_check import drill_check
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.records import PLAN_KIND
from tests.samples.builders import SCHEDULE

pytestmark = pytest.mark.usefixtures("prefect_server")
TAG = "status:needs_attention"


@contextmanager
def limit_of(slots: int) -> Iterator[Callable[[str], None]]:
    """Limit the task runs with a tag; what is yielded takes or frees a slot."""
    with get_client(sync_client=True) as client:

        def change(how: str) -> None:
            body: dict[str, Any] = {"names": [f"tag:{TAG}"], "slots": 1, "mode": "concurrency"}
            client.request("POST", f"/v2/concurrency_limits/{how}", json=body)  # type: ignore[arg-type]  # a path of the server

        client.request("POST", "/concurrency_limits/", json={"tag": TAG, "concurrency_limit": slots})
        try:
            yield change
        finally:
            client.request("DELETE", "/concurrency_limits/tag/{tag}", path_params={"tag": TAG})


@pytest.fixture
def overdue(tmp_path: Path) -> str:
    path = tmp_path / "overdue.json"
    late = {"next_due_at": "2026-11-01T09:00:00Z", "notification_providers": ["webhook"]}
    path.write_text(json.dumps({**SCHEDULE, **late}))
    return str(path)


def test_a_limit_of_no_slot_is_named_and_the_check_is_recorded(
    url: str, overdue: str, receiver: HTTPServer
) -> None:
    with limit_of(0):
        state = drill_check(schedule=overdue, return_state=True)

    assert state.is_failed()
    assert "webhook (its task run gets no slot of a concurrency limit on one of its tags" in (
        state.message or ""
    )
    assert "`prefect concurrency-limit ls` shows the limits" in (state.message or "")
    assert not receiver.log
    assert EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=PLAN_KIND))[1] == 1
    assert drill_check(schedule=overdue, return_state=True).is_completed()
    assert len(receiver.log) == 2, "nothing is lost"


def test_a_delivery_that_waits_for_a_slot_says_so(
    url: str,
    overdue: str,
    receiver: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "_SLOT_SECONDS", 0.1)
    with limit_of(1) as change, caplog.at_level(logging.WARNING):
        change("increment")
        freed = Timer(2, change, ["decrement"])
        freed.start()

        state = drill_check(schedule=overdue, return_state=True)

        freed.join()
    assert state.is_completed(), state.message
    assert "the delivery through webhook waits for a slot of a concurrency limit" in caplog.text
    assert len(receiver.log) == 2
