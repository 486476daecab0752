"""Imports the rows of the first format into the ledger; every row is marked as imported."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from rollback_drills import PRODUCT
from rollback_drills.database.first_format import FIRST_FORMAT, iterate_rows
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.import_record import ImportRecord
from rollback_drills.evidence.ledger.canonical import digest_canonical

IMPORTED_FROM: Final = f"table {FIRST_FORMAT.name}"
"""What `imported_from` of these records says."""


def read_first_records(connection: Connection, created_at: datetime) -> Iterator[tuple[str, ImportRecord]]:
    """Yield the key under which each row is written once, and its record.

    Args:
        connection: Reads the table of the first format.
        created_at: The clock of the evidence.
    """
    for sequence, original in iterate_rows(connection):
        key = digest_canonical({"sequence": sequence, "record": original})
        yield (
            key,
            ImportRecord(
                created_at=write_instant(created_at),
                signer=PRODUCT,
                imported_from=IMPORTED_FROM,
                imported_row=sequence,
                original=original,
            ),
        )
