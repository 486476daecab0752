"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from rollback_drills.redaction import redactor

# a busy machine is no failure: tests that bound a duration measure it themselves
settings.register_profile("drills", deadline=None)
settings.load_profile("drills")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Run a Prefect server; it costs seconds, so only those that need it ask."""
    from tests.processes.prefect_server import running_prefect  # the Prefect server takes seconds to import

    with running_prefect():
        yield


@pytest.fixture(autouse=True)
def nothing_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process does that has not opened a secret: those of other tests are innocent texts here."""
    monkeypatch.setattr(redactor, "_in_use", redactor._SecretsInUse())
