"""A database and a receiver for the tests of flows."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from pytest_httpserver import HTTPServer

from blocks.connector_import import import_connectors


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Keep the evidence of a test in a database of its own."""
    found = f"sqlite:///{tmp_path / 'evidence.db'}"
    monkeypatch.setenv("DRILLS_DATABASE_URL", found)
    return found


@pytest.fixture
def receiver(httpserver: HTTPServer, tmp_path: Path, prefect_server: None) -> Iterator[HTTPServer]:
    """Save the connector `webhook`, which leads to a receiver that takes everything, and no other block."""
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents():
            assert document.id is not None
            client.delete_block_document(document.id)
    config = tmp_path / "connectors-config"
    config.write_text(json.dumps({"connectors": {"webhook": {"url": httpserver.url_for("/webhook")}}}))
    import_connectors(config, os.environ)
    httpserver.expect_request("/webhook").respond_with_data("taken")
    yield httpserver
    httpserver.clear()
