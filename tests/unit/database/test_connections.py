"""Connections to PostgreSQL that are dropped, go silent, or wait for others."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, column, insert, make_url, table, text
from sqlalchemy.exc import OperationalError

from rollback_drills.database.connections import Database
from rollback_drills.database.engines import postgresql
from rollback_drills.database.errors import DatabaseError
from rollback_drills.errors.effects import count_effects
from rollback_drills_api.database_watch import DatabaseWatch
from tests.processes.stalling_proxy import StallingProxy, stalling_proxy
from tests.samples.schemas import POSTGRES

pytestmark = pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")

PING_SECONDS = 0.4
LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[StallingProxy]:
    """Run a proxy before PostgreSQL, and lose patience soon."""
    monkeypatch.setattr(postgresql, "_PING_SECONDS", PING_SECONDS)
    monkeypatch.setattr(postgresql, "_MARGIN_SECONDS", 0.0)
    url = make_url(POSTGRES)
    with stalling_proxy(url.host or "127.0.0.1", url.port or 5432) as running:
        yield running


def through(proxy: StallingProxy, **options: str) -> Database:
    """Return a database behind a proxy."""
    settings = " ".join(f"-c{name}={value}" for name, value in options.items())
    url: URL = make_url(POSTGRES).set(host="127.0.0.1", port=proxy.port)
    if settings:
        url = url.update_query_dict({"options": settings})
    return Database.at(url.render_as_string(hide_password=False))


def ask(database: Database, question: str = "SELECT 1") -> str:
    with database.read() as connection:
        return str(connection.scalar(text(question)))


@pytest.mark.parametrize("encoding", ["sql_ascii", "latin1"])
def test_every_letter_is_read_whatever_the_encoding_of_the_client(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(POSTGRES).update_query_dict({"client_encoding": encoding})
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    for each in (url, make_url(POSTGRES)):
        database = Database.at(each.render_as_string(hide_password=False))
        assert ask(database, "SELECT 'Ärzte 演習 🧯'") == "Ärzte 演習 🧯"


def test_a_dropped_connection_is_replaced_without_an_error(proxy: StallingProxy) -> None:
    database, watch = through(proxy), DatabaseWatch(through(proxy))
    assert (ask(database), bool(watch.version())) == ("1", True)
    proxy.drop()
    assert (ask(database), bool(watch.version())) == ("1", True)


def test_a_connection_that_went_silent_is_replaced_without_an_error(proxy: StallingProxy) -> None:
    database, watch = through(proxy), DatabaseWatch(through(proxy))
    assert (ask(database), bool(watch.version())) == ("1", True)
    proxy.stall()
    started = time.monotonic()
    assert (ask(database), bool(watch.version())) == ("1", True)
    assert 2 * PING_SECONDS <= time.monotonic() - started < 60


def test_a_server_that_goes_silent_in_a_transaction_is_an_error_and_no_hang(proxy: StallingProxy) -> None:
    database = through(proxy, statement_timeout="500")
    started = time.monotonic()
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
        proxy.stall()
        with pytest.raises(OperationalError, match="did not answer within"):
            connection.exec_driver_sql("SELECT 1")
    assert time.monotonic() - started < 60
    assert ask(database) == "1"


def test_a_commit_that_is_not_answered_is_an_error_and_no_hang(proxy: StallingProxy) -> None:
    database = through(proxy, statement_timeout="500")

    def change() -> None:
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TEMPORARY TABLE drill (id int)")
            connection.execute(insert(table("drill", column("id"))).values(id=1))
            proxy.stall()

    before = count_effects()
    with pytest.raises(DatabaseError, match="did not answer within"):
        change()
    assert count_effects() == before + 1  # nobody can say that nothing was written


def test_nobody_waits_for_a_lock_for_ever(proxy: StallingProxy) -> None:
    lock = "SELECT pg_advisory_xact_lock(20261128)"
    with through(proxy).write() as first:
        first.exec_driver_sql(lock)
        hasty = through(proxy, lock_timeout="200")
        with pytest.raises(DatabaseError, match="look for it in pg_stat_activity"), hasty.write() as second:
            second.exec_driver_sql(lock)


def test_every_wait_of_a_connection_has_an_end() -> None:
    database = Database.at(POSTGRES)
    assert all(ask(database, f"SHOW {name}") != "0" for name in LIMITS)
    with database.write() as connection:  # a rollback must not undo them
        connection.rollback()
    assert all(ask(database, f"SHOW {name}") != "0" for name in LIMITS)
    database.engine.dispose()


def test_limits_that_the_operator_has_set_stay(proxy: StallingProxy) -> None:
    database = through(proxy, statement_timeout="7min", lock_timeout="3s")
    assert (ask(database, "SHOW statement_timeout"), ask(database, "SHOW lock_timeout")) == ("7min", "3s")


def test_transport_settings_of_the_url_stay() -> None:
    url = make_url(POSTGRES).update_query_dict({"keepalives_idle": "77", "connect_timeout": "3"})
    database = Database.at(url.render_as_string(hide_password=False))
    with database.read() as connection:
        parameters = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert (parameters["keepalives_idle"], parameters["connect_timeout"]) == ("77", "3")
    assert parameters["tcp_user_timeout"] == "30000"
    database.engine.dispose()
