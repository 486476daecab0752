"""Connectors as notification blocks: what Prefect's own automations and people send through them."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer

from blocks.registry import CONNECTORS
from blocks.webhook import WebhookConnector


@pytest.fixture
def receiver(httpserver: HTTPServer) -> Iterator[HTTPServer]:
    """Return a receiver that takes what comes to one path."""
    httpserver.expect_request("/taken").respond_with_data("")
    httpserver.expect_request("/refused").respond_with_data("no", status=400)
    yield httpserver
    httpserver.clear()


def connector(receiver: HTTPServer, path: str, **fields: Any) -> WebhookConnector:
    return WebhookConnector(url=Secret(value=receiver.url_for(path)), **fields)


@pytest.mark.parametrize("kind", CONNECTORS.values(), ids=list(CONNECTORS))
def test_every_connector_is_a_notification_block(kind: type[Any]) -> None:
    assert issubclass(kind, NotificationBlock)
    assert "notify" in kind.get_block_capabilities()


def test_a_text_is_sent_with_its_subject(receiver: HTTPServer) -> None:
    asyncio.run(connector(receiver, "/taken").notify("a run\nfailed", "Rollback  drills: look"))

    ((request, _),) = receiver.log
    message = request.get_json()
    assert (message["title"], message["message"]) == ("Rollback drills: look", "a run\nfailed")
    assert message["event_type"] == "cavra.go_backend.rollback_drill.automation"


def test_texts_with_one_subject_belong_together_and_are_told_apart(receiver: HTTPServer) -> None:
    block = connector(receiver, "/taken")
    for subject in ("one", "one", "", None):
        asyncio.run(block.notify("text", subject))

    messages = [request.get_json() for request, _ in receiver.log]
    cycles = [each["cycle_id"] for each in messages]
    assert (len(set(cycles)), len({each["event_id"] for each in messages})) == (2, 4)
    assert [each["title"] for each in messages[2:]] == ["Prefect automation"] * 2


@pytest.mark.parametrize(
    ("path", "fields", "problem"),
    [("/refused", {}, "400"), ("/taken", {"enabled": False}, "is disabled")],
)
def test_what_is_not_taken_is_raised_for_who_asks_and_logged_else(
    receiver: HTTPServer, caplog: pytest.LogCaptureFixture, path: str, fields: dict[str, Any], problem: str
) -> None:
    block = connector(receiver, path, **fields)
    with block.raise_on_failure(), pytest.raises(NotificationError) as raised:
        asyncio.run(block.notify("text"))
    assert problem in raised.value.log

    with caplog.at_level(logging.WARNING):
        asyncio.run(block.notify("text"))
    assert receiver.url_for(path) not in raised.value.log
