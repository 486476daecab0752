"""A database and a receiver for the tests of flows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.processes.saved_connectors import SavedConnectors


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Keep the evidence of a test in a database of its own."""
    found = f"sqlite:///{tmp_path / 'evidence.db'}"
    monkeypatch.setenv("DRILLS_DATABASE_URL", found)
    return found


@pytest.fixture(scope="session")
def connectors(prefect_server: None) -> SavedConnectors:
    """Keep what is saved on the server from one test to the next."""
    return SavedConnectors()


@pytest.fixture
def receiver(httpserver: HTTPServer, tmp_path: Path, connectors: SavedConnectors) -> Iterator[HTTPServer]:
    """Save the connector `webhook`, which leads to a receiver that takes everything, and no other block."""
    connectors.save(tmp_path / "connectors-config", {"webhook": {"url": httpserver.url_for("/webhook")}})
    httpserver.expect_request("/webhook").respond_with_data("taken")
    yield httpserver
    httpserver.clear()
