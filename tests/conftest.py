"""Fixtures for every test."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage
from typing import Any

import pytest
from hypothesis import settings

from rollback_drills.redaction import redactor
from tests.sharing import order_of, share_of

# files of tests live in memory where there is room: most of their time was spent on waiting for the disk
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4_000_000_000
if "PYTEST_DEBUG_TEMPROOT" not in os.environ and _MEMORY.is_dir() and disk_usage(_MEMORY).free > _ROOM_BYTES:
    os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# a busy machine is no failure: tests that bound a duration measure it themselves
settings.register_profile("drills", deadline=None)
settings.load_profile("drills")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest shares, so that no worker is left alone with one in the end."""
    items.sort(key=lambda item: order_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep what shares a server or a file on one worker."""
    from xdist.scheduler import LoadScopeScheduling  # only where there are workers

    if config.getoption("dist") != "loadfile":
        return None
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = share_of
    return scheduler


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
