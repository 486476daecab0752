"""The database option, and the ways in which commands open what it names."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.settings import VARIABLES, find_database_url

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.evidence.index import EvidenceIndex

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help=f"Database of the evidence. (env {VARIABLES['database_url']}; default in the home folder)",
    ),
]


def open_existing(url: str | None, *tables: str) -> "EvidenceIndex":
    """Open the evidence index that is configured.

    Args:
        url: As the user gave it.
        tables: The database has one of these; without any, the ledger.

    Raises:
        UsageError: There is none.
    """
    from rollback_drills.evidence.index import EvidenceIndex  # SQLAlchemy takes half a second to import

    place = find_database_url(os.environ, url)
    index = EvidenceIndex.open_existing(place, *tables)
    if index is None:
        raise UsageError(f"there is no evidence at {place} yet; run `drills deliver` or the drill-check flow")
    return index


def open_or_create(url: str | None) -> "Database":
    """Open the database that is configured, and create what is missing."""
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import
    from rollback_drills.outbox import table  # noqa: F401 - a database of ours has an outbox, too

    return Database.open(find_database_url(os.environ, url))


def open_outbox(url: str | None) -> "Database":
    """Open the outbox that is configured.

    Raises:
        UsageError: There is none.
    """
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import
    from rollback_drills.outbox.table import OUTBOX

    database_url = find_database_url(os.environ, url)
    database = Database.open_existing(database_url, OUTBOX.name)
    if database is None:
        raise UsageError(
            f"there is no outbox at {database_url} yet; run `drills deliver` or the drill-check flow"
        )
    return database
