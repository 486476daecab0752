"""Imports the rows of the first format into the ledger; every row is marked as imported."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from rollback_drills import PRODUCT
from rollback_drills.database.first_format import FIRST_FORMAT, iterate_rows
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.records import IMPORT_KIND, start_record
from rollback_drills.readiness.terms import Report

IMPORTED_FROM: Final = f"table {FIRST_FORMAT.name}"
"""What `imported_from` of these records says."""


def read_first_records(connection: Connection, created_at: datetime) -> Iterator[tuple[str, Report]]:
    """Yield the key under which each row is written once, and its record.

    Args:
        connection: Reads the table of the first format.
        created_at: The clock of the evidence.
    """
    start = start_record(IMPORT_KIND, "rcd-import", created_at=created_at, signer=PRODUCT)
    for sequence, original in iterate_rows(connection):
        key = sha256(write_canonical({"sequence": sequence, "record": original})).hexdigest()
        yield key, {**start, "imported_from": IMPORTED_FROM, "imported_row": sequence, "original": original}
