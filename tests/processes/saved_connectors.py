"""Connectors on the Prefect server of the tests: saved once, and again when a test has changed them."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client

from blocks.connector_import import import_connectors


class SavedConnectors:
    """The connectors of one configuration, and no other block; to save them takes longer than most tests."""

    def __init__(self) -> None:
        """Begin with a server that other tests may have used."""
        self._written = ""
        self._saved: dict[UUID, datetime | None] = {}

    def save(self, config: Path, entries: Mapping[str, Any]) -> None:
        """Write a configuration, import it unless the server holds it, and delete all other blocks."""
        written = json.dumps({"connectors": entries})
        config.write_text(written)
        with get_client(sync_client=True) as client:
            found = _documents(client)
            if written != self._written or not self._saved.items() <= found.items():
                self._saved = {}
            for each in found.keys() - self._saved.keys():
                client.delete_block_document(each)
            if not self._saved:
                import_connectors(config, os.environ)
                self._written, self._saved = written, _documents(client)


def _documents(client: SyncPrefectClient) -> dict[UUID, datetime | None]:
    return {each.id: each.updated for each in client.read_block_documents()}
