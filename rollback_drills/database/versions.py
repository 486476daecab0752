"""The format of a database: which schema version it has, and whether this program can use it."""

from typing import Final

from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database.errors import FormatProblem
from rollback_drills.database.first_format import has_first_format
from rollback_drills.database.tables import LEDGER, OUTBOX, SCHEMA_VERSION
from rollback_drills.names.environment_variables import DATABASE

NEWEST: Final = 5
"""The version that this program writes: the number of the newest file in `migrations/versions`."""
OLDEST_READABLE: Final = 0
"""The oldest version that can be read without an upgrade."""
UNNUMBERED: Final = 0
"""Stands for every format from before versions were numbered."""
UPGRADE_COMMAND: Final = "drills evidence upgrade"

_MARKS: Final = {
    LEDGER.name: {"leaf_index", "metadata_kind", "hashes", "record"},
    OUTBOX.name: {"notification_id", "route_key", "state"},
}
"""Columns that these tables have in every format."""


def find_version(connection: Connection) -> int | None:
    """Return the schema version; None if there is no table of this program.

    Raises:
        FormatProblem: A table with the name of one of ours is not ours.
    """
    found = inspect(connection)
    names = set(found.get_table_names())
    if SCHEMA_VERSION.name in names:
        return _read_version(connection)
    ours = names & _MARKS.keys()
    for name in ours:
        if not _MARKS[name] <= {each["name"] for each in found.get_columns(name)}:
            raise FormatProblem(
                f"its table {name} is not of this program; set ", DATABASE, " to another database"
            )
    return UNNUMBERED if ours or has_first_format(connection) else None


def require_readable(connection: Connection) -> None:
    """Ensure that what is in a database can be read as it is.

    Raises:
        FormatProblem: It is newer than this program, or too old to be read without an upgrade.
    """
    version = find_version(connection)
    if version is None:
        return
    refuse_newer(version)
    has_ledger = version > UNNUMBERED or inspect(connection).has_table(LEDGER.name)
    if version < OLDEST_READABLE or (not has_ledger and has_first_format(connection)):
        raise FormatProblem(f"it has an older format; run `{UPGRADE_COMMAND}`")


def require_current(connection: Connection) -> None:
    """Ensure that a database has the format that this program writes, if it has one of this program at all.

    Raises:
        FormatProblem: The database has another format.
    """
    version = find_version(connection)
    if version is not None:
        refuse_newer(version)
        refuse_older(version)


def refuse_newer(version: int) -> None:
    """Raise a problem if a newer program has upgraded the database."""
    if version > NEWEST:
        raise FormatProblem(
            f"it has schema version {version}, and this program knows no version after {NEWEST};"
            " update the program"
        )


def refuse_older(version: int) -> None:
    """Raise a problem if the database has to be upgraded first."""
    if version < NEWEST:
        raise FormatProblem(
            f"it has schema version {version}, and this program writes version {NEWEST};"
            f" run `{UPGRADE_COMMAND}`"
        )


def _read_version(connection: Connection) -> int:
    try:
        text = connection.scalar(select(SCHEMA_VERSION.c.version_num))
        return UNNUMBERED if text is None else int(text)
    except (SQLAlchemyError, ValueError, TypeError):
        raise FormatProblem(f"its table {SCHEMA_VERSION.name} holds no version; restore a backup") from None
