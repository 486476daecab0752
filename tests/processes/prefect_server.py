"""A Prefect server for the tests of flows: on PostgreSQL where a database is named, else on SQLite."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from inspect import isawaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import prefect
import pytest
import trustme
from prefect.client import base
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED,
    PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_ENABLED,
    PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL,
    PREFECT_SERVER_SERVICES_FOREMAN_ENABLED,
    PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED,
    PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED,
    PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED,
    PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED,
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED,
    PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED,
    temporary_settings,
)
from prefect.utilities.asyncutils import run_coro_as_sync
from sqlalchemy import create_engine, make_url, text

from tests.checkout import ROOT
from tests.samples.schemas import POSTGRES

_START_WITHIN_SECONDS: Final = 300
_RETRY_SECONDS: Final = 0.1
_QUICK: Final[dict[Any, Any]] = {
    # the server asks for no token, and each client asks it for one before it writes: a tenth of all requests
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,
    # as often as takes the ten seconds of five retries elsewhere: a busy machine answers 503 for longer
    PREFECT_CLIENT_MAX_RETRIES: 100,
    # with it, flow runs last a whole number of seconds
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    # there are no automations, and beside SQLite one run in three stood still for a minute because of it
    PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED: False,
    # events are there when a run has ended, and not up to five seconds later
    PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL: 0.2,
    # no test asks for task runs: to write them took half of the time of the server
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED: False,
    # nothing is scheduled, and no worker or pause is there to be looked after every few seconds
    PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED: False,
    PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_ENABLED: False,
    PREFECT_SERVER_SERVICES_FOREMAN_ENABLED: False,
    PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED: False,
    PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED: False,
    PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED: False,
    PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED: False,
    PREFECT_SERVER_ANALYTICS_ENABLED: False,
}
"""What saves time here; the servers and workers of tests/e2e are as people have them."""
_MIGRATED: Final = ROOT / ".pytest_cache" / f"prefect-{prefect.__version__}.db"
"""The database of a server that has just started: to migrate an empty one takes many seconds."""


@contextmanager
def running_prefect() -> Iterator[None]:
    """Run a server with a database of its own, and let everything in this process use it."""
    from prefect.server.api.server import (
        SubprocessASGIServer,
    )  # 850 modules, for those workers that need them

    with (
        TemporaryDirectory() as name,
        _own_database(Path(name)) as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        # SQLite answers two writers at once with 503, and Prefect's client tries again after two seconds
        patch.setattr(base, "clamped_poisson_interval", lambda *_: _RETRY_SECONDS)
        settings = {**_QUICK, PREFECT_API_SSL_CERT_FILE: write_authority(Path(name))}
        with temporary_settings({**settings, PREFECT_SERVER_DATABASE_CONNECTION_URL: url}):
            server = SubprocessASGIServer()
            server.start(_START_WITHIN_SECONDS)
        if not POSTGRES:
            keep_migrated(Path(name, "prefect.db"))
        try:
            with temporary_settings({**settings, PREFECT_API_URL: server.api_url}):
                yield
                run_coro_as_sync(_send_what_waits())
        finally:
            server.stop()


def write_authority(folder: Path) -> str:
    """Write one certificate: Prefect's clients read a hundred trusted ones each time that one is made."""
    path = folder / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


def copy_migrated(file: Path) -> None:
    """Spare a server that will start on this file the migrations, if an earlier one has been through them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if _MIGRATED.exists():
        shutil.copyfile(_MIGRATED, file)


def keep_migrated(file: Path) -> None:
    """Keep the database of a server that has just started, for later ones."""
    if _MIGRATED.exists():
        return
    _MIGRATED.parent.mkdir(exist_ok=True)
    new = _MIGRATED.with_suffix(f".{os.getpid()}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(new)) as target:
        source.backup(target)
    new.replace(_MIGRATED)


async def _send_what_waits() -> None:
    """Send logs and events while there is a server to take them."""
    for sending in (APILogWorker.instance().drain(), EventsWorker.drain_all()):
        if isawaitable(sending):
            await sending


@contextmanager
def _own_database(folder: Path) -> Iterator[str]:
    """Make a database, give its URL as Prefect wants it, and remove it afterwards."""
    if not POSTGRES:
        copy_migrated(folder / "prefect.db")
        yield f"sqlite+aiosqlite:///{folder / 'prefect.db'}"
        return
    with postgresql_for_prefect(POSTGRES) as own:
        yield own


@contextmanager
def postgresql_for_prefect(beside: str) -> Iterator[str]:
    """Make a database for a Prefect server beside another one, and remove it afterwards."""
    url, name = make_url(beside), f"prefect_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        own = url.set(drivername="postgresql+asyncpg", database=name)
        yield own.render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
