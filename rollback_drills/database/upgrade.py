"""Creates tables and upgrades those of earlier versions: in one transaction, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect

from rollback_drills.database.errors import FormatProblem
from rollback_drills.database.first_deliveries import take_over_deliveries
from rollback_drills.database.first_format import has_first_format
from rollback_drills.database.tables import LEDGER, OUTBOX, SCHEMA_VERSION
from rollback_drills.database.triggers import create_tables
from rollback_drills.database.versions import (
    NEWEST,
    UNNUMBERED,
    find_version,
    refuse_newer,
    refuse_older,
)
from rollback_drills.names.environment_variables import DATABASE

_MIGRATIONS: Final = "rollback_drills.database:migrations"


def prepare(engine: Engine, *, upgrade: bool) -> int | None:
    """Create what a database needs, or upgrade it.

    Args:
        engine: Of the database.
        upgrade: Whether a database of an earlier version may be upgraded.

    Returns:
        The version that it had; None if it had no table of this program.

    Raises:
        FormatProblem: The database must not be upgraded, or is not of this program, or of a newer one.
    """
    with engine.connect() as connection:
        if find_version(connection) == NEWEST:
            return NEWEST
    with _alone(engine) as connection:
        version = find_version(connection)  # another process may have upgraded it meanwhile
        if version is None:
            _refuse_foreign(connection)
            _create(connection)
        elif version != NEWEST:
            refuse_newer(version)
            if not upgrade:
                refuse_older(version)
            _upgrade(connection, version)
    return version


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that keeps out every other process that creates or upgrades."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif engine.dialect.name == "postgresql":
            from rollback_drills.database.engines import postgresql  # not for SQLite

            postgresql.wait_for_upgrades(connection)
        yield connection
        connection.commit()


def _refuse_foreign(connection: Connection) -> None:
    """Refuse a file of another program; a server may serve several."""
    names = inspect(connection).get_table_names() if connection.dialect.name == "sqlite" else []
    if names:
        raise FormatProblem(
            f"it belongs to another program (it has a table {names[0]}); set ",
            DATABASE,
            " to a file of its own",
        )


def _create(connection: Connection) -> None:
    create_tables(connection)
    connection.execute(insert(SCHEMA_VERSION).values(version_num=f"{NEWEST:04}"))


def _upgrade(connection: Connection, version: int) -> None:
    has_first = version == UNNUMBERED and has_first_format(connection)
    tables = set(inspect(connection).get_table_names())
    if version != UNNUMBERED or LEDGER.name in tables:
        _migrate(connection)
    elif OUTBOX.name in tables:
        raise FormatProblem(
            "it was written in a format between the first one and the ledger, which no release had; set ",
            DATABASE,
            " to another database",
        )
    else:
        _create(connection)
    if has_first:
        take_over_deliveries(connection)


def _migrate(connection: Connection) -> None:
    from alembic import command  # a tenth of a second to import
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
