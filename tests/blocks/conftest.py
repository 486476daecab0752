"""What the tests of the connectors share."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer

from blocks.connector import Connector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict

NOTIFICATION = Notification(
    notification_id="gordmsg-0123456789abcdef",
    provider="slack",
    owner="release-governance",
    alert_level="critical",
    title="Rollback drill overdue: payments (production)",
    summary="The last accepted drill is 95 days old. Perform a drill and record it.",
    facts=(("Schedule", "payments-prod"), ("Due", "2026-11-20 09:00 UTC"), ("Owner", "release-governance")),
    acknowledge="Run `drills ack payments-prod --provider slack` or use the dashboard.",
    schedule_id="payments-prod",
    cycle_id="payments-prod@2026-11-20T09:00:00Z",
    plan_id="gordn-0123456789abcdef",
    event={
        "schema_version": "cavra.go-backend-pilot.rollback-drill-notification.v1",
        "event_type": "cavra.go_backend.rollback_drill.notification",
        "schedule_id": "payments-prod",
        "title": "Rollback drill overdue: payments (production)",
        "owners": ["release-governance"],
    },
)


@pytest.fixture
def now() -> datetime:
    """Return the moment of an attempt."""
    return datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


@pytest.fixture
def make_notification() -> Callable[..., Notification]:
    """Build a notification that differs from the usual one in the given fields."""

    def make(**overrides: Any) -> Notification:
        return replace(NOTIFICATION, **overrides)

    return make


@pytest.fixture
def secret() -> Callable[[str], "Secret[str]"]:
    """Wrap a value as an unsaved Secret block."""

    def make(value: str) -> "Secret[str]":
        return Secret(value=value)

    return make


@pytest.fixture
def answer(httpserver: HTTPServer) -> Callable[..., HTTPServer]:
    """Let the server on this machine answer every request in one way."""

    def answer_with(
        status: int, body: str = "", headers: dict[str, str] | None = None, content_type: str = "text/plain"
    ) -> HTTPServer:
        httpserver.expect_request(re.compile(".*")).respond_with_data(
            body, status=status, headers=headers, content_type=content_type
        )
        return httpserver

    return answer_with


@pytest.fixture
def send(make_notification: Callable[..., Notification]) -> Callable[..., Verdict]:
    """Send the usual notification and wait for the verdict."""

    def send_once(connector: Connector, *, timeout_seconds: float = 5.0, **overrides: Any) -> Verdict:
        return connector.send(make_notification(**overrides), timeout_seconds=timeout_seconds)

    return send_once


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Serve connections with a function that gets the bare socket, for faults no HTTP server makes."""
    listeners: list[socket.socket] = []

    def start(handle: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        handle(connection)

        threading.Thread(target=serve, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listeners:
        # shutdown wakes the thread that waits in accept; close alone does not
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
