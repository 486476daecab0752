"""A Prefect server for the tests of flows: on PostgreSQL where a database is named, else on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL,
    PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness
from sqlalchemy import create_engine, make_url, text

from tests.samples.builders import POSTGRES

_START_WITHIN_SECONDS: Final = 120
_QUICK: Final[dict[Any, Any]] = {
    # with it, flow runs last a whole number of seconds
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    # there are no automations, and beside SQLite one run in three stood still for a minute because of it
    PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED: False,
    # events are there when a run has ended, and not up to five seconds later
    PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL: 0.2,
}
"""What saves time here; the servers and workers of tests/e2e are as people have them."""


@contextmanager
def running_prefect() -> Iterator[None]:
    """Run a server with a database of its own, and let everything in this process use it.

    On SQLite two writers at once are answered with 503, and Prefect's client tries again after two seconds:
    these tests then take twice as long.
    """
    if not POSTGRES:
        with temporary_settings(_QUICK), prefect_test_harness(_START_WITHIN_SECONDS):
            yield
        return
    with _own_database() as url:
        with temporary_settings({**_QUICK, PREFECT_SERVER_DATABASE_CONNECTION_URL: url}):
            server = SubprocessASGIServer()
            server.start(_START_WITHIN_SECONDS)
        try:
            with temporary_settings({**_QUICK, PREFECT_API_URL: server.api_url}):
                yield
        finally:
            server.stop()


@contextmanager
def _own_database() -> Iterator[str]:
    """Make a database, give its URL as Prefect wants it, and remove it afterwards."""
    url, name = make_url(POSTGRES), f"prefect_{uuid4().hex}"
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
