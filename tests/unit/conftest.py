"""Databases for the tests of evidence and outbox: of each kind, empty, and gone afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from tests.samples.databases import DATABASES, fresh_database


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database."""
    with fresh_database(request.param, tmp_path / "database") as found:
        yield found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open an empty database."""
    opened = Database.at(url)
    yield opened
    opened.engine.dispose()
