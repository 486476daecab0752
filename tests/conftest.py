"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from rollback_drills import redaction


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Run a Prefect server with a database of its own; it costs seconds, so only those that need it ask.

    Without the service that evaluates automations, of which there are none here: with it, one run in three
    stood still for a minute, the time that Prefect 3.8 waits for the write lock of SQLite. And without the
    heartbeats of flow runs, with which each lasts whole seconds; the workers of tests/e2e have both.
    """
    fewer = {PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED: False, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    with temporary_settings(fewer), prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def nothing_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process does that has not opened a secret: those of other tests are innocent texts here."""
    monkeypatch.setattr(redaction, "_in_use", redaction._SecretsInUse())
