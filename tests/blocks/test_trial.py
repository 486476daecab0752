"""A connector that can only write is tried out with a message that nobody takes for an alert."""

from collections.abc import Callable

import pytest
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer

from blocks.connector import Connector
from blocks.slack import SlackConnector
from blocks.teams import TeamsConnector
from blocks.webhook import WebhookConnector


@pytest.mark.parametrize("kind", [WebhookConnector, SlackConnector, TeamsConnector])
def test_the_trial_is_marked_as_one(
    kind: Callable[..., Connector], answer: Callable[..., HTTPServer]
) -> None:
    server = answer(200, "ok")
    connector = kind(url=Secret(value=server.url_for("/hook")))
    assert connector.check(timeout_seconds=5).succeeded
    (request, _) = server.log[0]
    text = request.get_data(as_text=True)
    assert "Test message from rollback-drills: nothing is overdue" in text
    assert "cavra.go_backend.rollback_drill.notification" not in text
