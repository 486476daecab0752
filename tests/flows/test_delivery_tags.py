"""Deliveries have the tags of their flow run, and yet wait for no slot of a limit on one of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from pytest_httpserver import HTTPServer

from flows.drill_check import drill_check
from tests.samples.builders import SCHEDULE


@contextmanager
def limit_of(slots: int, tag: str) -> Iterator[None]:
    """Limit the task runs that begin with a tag."""
    with get_client(sync_client=True) as client:
        client.request("POST", "/concurrency_limits/", json={"tag": tag, "concurrency_limit": slots})
        try:
            yield
        finally:
            client.request("DELETE", "/concurrency_limits/tag/{tag}", path_params={"tag": tag})


@pytest.mark.usefixtures("prefect_server", "url")
def test_a_delivery_asks_for_no_slot_of_its_tags(tmp_path: Path, receiver: HTTPServer) -> None:
    path = tmp_path / "overdue.json"
    late = {"next_due_at": "2026-11-01T09:00:00Z", "notification_providers": ["webhook"]}
    path.write_text(json.dumps({**SCHEDULE, **late}))

    with limit_of(0, "status:needs_attention"):
        state = drill_check(schedule=str(path), return_state=True)

    assert state.is_completed(), state.message
    assert len(receiver.log) == 2
