"""Connections to PostgreSQL: a lost one is noticed and replaced, and nobody waits for ever."""

from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

_PING_SECONDS: Final = 5.0
"""A pooled connection that does not answer a ping within this time is replaced."""
_MARGIN_SECONDS: Final = 5.0
"""The client waits this much longer for an answer than the server may work on a statement."""
_TRANSPORT: Final = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS"""
_LIMITS: Final = (
    ("lock_timeout", "30s"),  # as long as a writer waits for another one on SQLite
    ("statement_timeout", "60s"),
    # a host that vanished in the middle of a transaction must not hold its locks for ever
    ("idle_in_transaction_session_timeout", "300s"),
)
_APPLY_LIMIT: Final = "SELECT set_config(%s, %s, false) WHERE current_setting(%s) = '0'"
"""Applied where neither the URL, nor the role, nor the database sets another limit."""
_READ_LIMIT: Final = "SELECT setting::bigint / 1000.0 FROM pg_settings WHERE name = 'statement_timeout'"
_UPGRADE_LOCK: Final = 0x6472696C6C73
"""The number of the advisory lock that upgrades take: "drills" in ASCII."""


def make_engine(url: URL) -> Engine:
    """Return an engine that pings pooled connections, and whose statements and waits for locks end."""
    is_libpq = url.get_driver_name() in {"psycopg", "psycopg2"}
    # what the URL says counts
    arguments: dict[str, int | str] = {
        name: value for name, value in _TRANSPORT.items() if is_libpq and name not in url.query
    }
    if is_libpq:
        arguments["client_encoding"] = "utf8"  # that of a database or role may lack letters, or return bytes
    engine = create_engine(url, pool_pre_ping=True, connect_args=arguments)
    if url.get_driver_name() == "psycopg":
        _bound_answers(engine)
    event.listen(engine, "connect", _apply_limits)
    return engine


def wait_for_upgrades(connection: Connection) -> None:
    """Wait until no other process upgrades, and lift all limits of time for this transaction."""
    # until the next checkout; of other drivers it means nothing
    setattr(connection.connection.dbapi_connection, "patience_seconds", float("inf"))  # noqa: B010
    for name in ("lock_timeout", "statement_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {name} = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")


def _bound_answers(engine: Engine) -> None:
    from rollback_drills.database.engines.bounded import BoundedConnection  # psycopg is an extra

    @event.listens_for(engine, "do_connect")
    def connect(_: Any, __: Any, args: Any, options: Any) -> BoundedConnection:
        return BoundedConnection.connect(*args, **options)

    # The pool pings between these two.
    @event.listens_for(engine, "checkin")
    def expect_ping(connection: BoundedConnection | None, _: Any) -> None:
        if connection is not None:
            connection.patience_seconds = _PING_SECONDS

    @event.listens_for(engine, "checkout")
    def expect_work(connection: BoundedConnection, record: Any, _: Any) -> None:
        connection.patience_seconds = record.info["statement_seconds"] + _MARGIN_SECONDS


def _apply_limits(connection: Any, record: Any) -> None:
    connection.autocommit = True  # so that no rollback undoes it
    cursor = connection.cursor()
    for name, limit in _LIMITS:
        cursor.execute(_APPLY_LIMIT, (name, limit, name))
    cursor.execute(_READ_LIMIT)
    record.info["statement_seconds"] = float(cursor.fetchone()[0])
    cursor.close()
    connection.autocommit = False
