"""The very first format: one table `evidence`, which nobody signed, and no outbox.

The upgrade takes what was delivered over into the outbox, so that nobody is notified again. Whoever appends
to the ledger next, and so can sign, imports the rows and renames the table.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    inspect,
    select,
)

from rollback_drills.database.errors import FormatProblem

FIRST_FORMAT: Final = Table(
    "evidence",
    MetaData(),  # never created
    Column("sequence", Integer, primary_key=True),
    Column("created_at", String(40)),
    Column("metadata_kind", String(80)),
    Column("session_id", String(120)),
    Column("schedule_id", Text),
    Column("cycle_id", String(40)),
    Column("success", Boolean),
    Column("record", JSON),
)
"""Of its columns those that matter."""
IMPORTED_NAME: Final = "evidence_before_ledger"
"""What the table is called when its rows are in the ledger."""

_AT_ONCE: Final = 1000


def has_first_format(connection: Connection) -> bool:
    """Return whether there are rows of the first format that are not in the ledger yet."""
    found = inspect(connection)
    if not found.has_table(FIRST_FORMAT.name):
        return False
    columns = {each["name"] for each in found.get_columns(FIRST_FORMAT.name)}
    return columns >= set(FIRST_FORMAT.c.keys())


def count_rows(connection: Connection) -> int:
    """Return how many rows of the first format are not in the ledger yet."""
    if not has_first_format(connection):
        return 0
    return connection.scalar(select(func.count()).select_from(FIRST_FORMAT)) or 0


def iterate_rows(connection: Connection, *kinds: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield the rows in their order: the number and the record of each.

    Args:
        connection: Reads the table.
        kinds: Only these; without any, all.

    Raises:
        FormatProblem: A row holds no record.
    """
    after = -1
    columns = select(FIRST_FORMAT.c.sequence, FIRST_FORMAT.c.record).order_by(FIRST_FORMAT.c.sequence)
    wanted = columns.where(FIRST_FORMAT.c.metadata_kind.in_(kinds)) if kinds else columns
    while True:
        try:
            rows = connection.execute(wanted.where(FIRST_FORMAT.c.sequence > after).limit(_AT_ONCE)).all()
        except ValueError:  # one of them is no JSON
            raise FormatProblem(
                f"a row after row {max(after, 0)} of its table {FIRST_FORMAT.name} is not JSON;"
                " restore a backup, or remove the row"
            ) from None
        if not rows:
            return
        for row in rows:
            if not isinstance(row.record, dict):
                raise unreadable(row.sequence)
            yield row.sequence, row.record
        after = rows[-1].sequence


def retire(connection: Connection) -> None:
    """Rename the table, since its rows are in the ledger."""
    connection.exec_driver_sql(f"ALTER TABLE {FIRST_FORMAT.name} RENAME TO {IMPORTED_NAME}")


def unreadable(sequence: int) -> FormatProblem:
    """Return the problem of a row that does not hold what it has to."""
    return FormatProblem(
        f"row {sequence} of its table {FIRST_FORMAT.name} cannot be read; restore a backup, or remove the row"
    )
