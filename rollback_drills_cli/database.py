"""The database option, and the ways in which commands open what it names."""

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollback_drills.errors import UsageError
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.settings import find_database_url, read_settings
from rollback_drills_cli.terminal.output import print_problem

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.evidence.index import EvidenceIndex

_SQLITE_FILE: Final = "sqlite:///"
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help=f"Database of the evidence. (env {VARIABLES['database_url']}; default in the home folder)",
    ),
]


def open_existing(url: str | None, *tables: str, to_write: bool = False) -> "EvidenceIndex":
    """Open the evidence index that is configured.

    Args:
        url: As the user gave it.
        tables: The database has one of these; without any, the ledger.
        to_write: Whether a database of an earlier version is upgraded first.

    Raises:
        UsageError: There is none.
    """
    from rollback_drills.evidence.index import EvidenceIndex  # SQLAlchemy takes half a second to import

    place = find_database_url(os.environ, url)
    if to_write:
        _upgrade(place)
    index = EvidenceIndex.open_existing(place, *tables)
    if index is None:
        raise UsageError(_write_missing(place))
    return index


def find_evidence(url: str | None) -> "Database | None":
    """Open the database that is configured, for reading; None if there is none yet."""
    database_url = find_database_url(os.environ, url)
    file = database_url.removeprefix(_SQLITE_FILE)
    if file != database_url and not os.path.exists(file.partition("?")[0]):
        return None
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import
    from rollback_drills.database.tables import LEDGER

    return Database.open_existing(database_url, LEDGER.name)


def look_back(url: str | None) -> "Database | None":
    """Open the database that is configured, to list what is in it; print a line if there is none."""
    database = find_evidence(url)
    if database is None:
        print_problem(_write_missing(find_database_url(os.environ, url)))
    return database


def open_or_create(url: str | None) -> "Database":
    """Open the database that is configured, for writing; create or upgrade it first."""
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import

    return Database.open(find_database_url(os.environ, url), upgrade=read_settings(os.environ).auto_upgrade)


def open_outbox(url: str | None, *, to_write: bool = False) -> "Database":
    """Open the outbox that is configured.

    Args:
        url: As the user gave it.
        to_write: Whether a database of an earlier version is upgraded first.

    Raises:
        UsageError: There is none.
    """
    # SQLAlchemy takes half a second to import
    from rollback_drills.database.connections import Database
    from rollback_drills.database.tables import OUTBOX

    database_url = find_database_url(os.environ, url)
    if to_write:
        _upgrade(database_url)
    database = Database.open_existing(database_url, OUTBOX.name)
    if database is None:
        raise UsageError(_write_missing(database_url, "outbox"))
    return database


def _write_missing(url: str, what: str = "evidence") -> str:
    from rollback_drills.database.errors import show_place  # SQLAlchemy takes half a second to import

    return f"there is no {what} at {show_place(url)} yet; run `drills deliver` or the drill-check flow"


def _upgrade(url: str) -> None:
    """Upgrade a database of an earlier version; create nothing."""
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import

    database = Database.at(url)
    if database.is_outdated():
        database.prepare(upgrade=read_settings(os.environ).auto_upgrade)
    database.engine.dispose()
