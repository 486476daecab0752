"""Fixtures for every test."""

import gc
import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from rollback_drills.documents.fleets import settled
from rollback_drills.redaction import redactor
from tests.samples.examples import MANY, examples
from tests.sharing import SERVERS, order_of, share_of

if TYPE_CHECKING:
    from tests.e2e.conftest import PrefectServer

# files of tests live in memory where there is room: most of their time was spent on waiting for the disk
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4_000_000_000
if "PYTEST_DEBUG_TEMPROOT" not in os.environ and _MEMORY.is_dir() and disk_usage(_MEMORY).free > _ROOM_BYTES:
    os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# a busy machine is no failure: tests that bound a duration measure it themselves
# a build fails because of its change: the same examples each time, and new ones in `make chaos`
settings.register_profile("drills", deadline=None, max_examples=examples(100), derandomize=not MANY)
settings.load_profile("drills")


def pytest_report_header() -> str:
    """Return whether the tests of databases run on both kinds."""
    missing = "" if os.environ.get("DRILLS_TEST_POSTGRES") else " (DRILLS_TEST_POSTGRES names none)"
    return f"databases: SQLite{' alone' if missing else ' and PostgreSQL'}{missing}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage, which took a third of the time: all of it stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()  # nor is it searched while the tests run
        gc.enable()
        if "sqlalchemy" in sys.modules:
            from tests.compiled import share_compiled  # not where nothing is collected, as beside workers

            share_compiled()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest shares, so that no worker is left alone with one in the end."""
    items.sort(key=lambda item: order_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use one worker more than there are cores: many tests wait for processes and leases."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep what shares a server or a file on one worker."""
    from xdist.scheduler import LoadScopeScheduling  # only where there are workers

    if config.getoption("dist") != "loadfile":
        return None
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = share_of
    return scheduler


def pytest_sessionfinish() -> None:
    """Leave nothing in the PostgreSQL database of the tests."""
    if (schemas := sys.modules.get("tests.samples.schemas")) is not None:
        schemas.drop_schemas()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop a server after the last test that shares it: an idle one takes a thirtieth of a core."""
    share = share_of(item.nodeid)
    if share in SERVERS and nextitem is not None and share_of(nextitem.nodeid) != share:
        for fixture in item.session._fixturemanager.getfixturedefs(share, item) or ():
            fixture.finish(item._request)  # type: ignore[attr-defined]  # pytest does not type it


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Run a Prefect server; it costs seconds, so only those that need it ask."""
    from tests.processes.prefect_server import running_prefect  # imports Prefect

    with running_prefect():
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[PrefectServer]":
    """Start a Prefect server as an operator does."""
    from tests.e2e.conftest import running_server  # as above

    with running_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="session")
def deployed(server: "PrefectServer") -> "PrefectServer":
    """Deploy all flows to a pool."""
    server.drills("deploy")
    return server


@pytest.fixture(scope="module")
def worker(deployed: "PrefectServer") -> Iterator[None]:
    """Start a process worker for the pool, which checks more than two schedules in shards."""
    sharding = replace(deployed, environ={**deployed.environ, "DRILLS_SHARD_SIZE": "2"})
    with sharding.running("prefect", "worker", "start", "--pool", "drills", "--type", "process"):
        yield


@pytest.fixture(autouse=True)
def nothing_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process does that has not opened a secret: those of other tests are innocent texts here."""
    monkeypatch.setattr(redactor, "_in_use", redactor._SecretsInUse())


@pytest.fixture(autouse=True)
def nobody_is_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what a test has just written without a wait for whoever goes on writing it."""
    monkeypatch.setattr(settled, "_WAIT_SECONDS", 0)
