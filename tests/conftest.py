"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Run a Prefect server with a database of its own; it costs seconds, so only those that need it ask."""
    with prefect_test_harness(server_startup_timeout=120):
        yield
