"""Reads records that were imported from another index as what they were there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.instants import read_instant
from rollback_drills.evidence.index import LedgerRow, read_rows
from rollback_drills.evidence.record_kinds import IMPORT_KIND
from rollback_drills.evidence.written_record import WrittenRecord, text_of
from rollback_drills.names.spellings import find_spellings_by_index

ROWS_AT_ONCE: Final = 500
"""Rows are read in parts of this size: with 1,000 a trend takes a few percent longer."""


class _Imported(LedgerRow, frozen=True, gc=False):
    original: WrittenRecord


@dataclass(frozen=True, slots=True)
class ImportedRecord:
    """A record of another index. Nobody has checked more of it than what every record has."""

    row: int
    """Its row in this ledger."""
    at: datetime
    """When the other index says that it was written, in UTC."""
    original: WrittenRecord


def iterate_imported(
    connection: Connection, *kinds: str, schedule_id: str | None = None
) -> Iterator[ImportedRecord]:
    """Yield the imported records of some kinds, in the order of the import.

    Args:
        connection: Reads the ledger.
        kinds: What they were in the other index.
        schedule_id: Leave out those of which it is known that they are of other schedules.
    """
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(LEDGER.c.metadata_kind == IMPORT_KIND)
    if schedule_id is not None:
        ids = find_spellings_by_index(connection, LEDGER.c.schedule_id, [schedule_id, ""])
        rows = rows.where(LEDGER.c.schedule_id.in_(ids))
    ordered = rows.order_by(LEDGER.c.leaf_index).execution_options(yield_per=ROWS_AT_ONCE)
    for record in read_rows(connection.execute(ordered).tuples(), _Imported):
        original = record.original
        if text_of(original, "metadata_kind") in kinds:
            at, _ = read_instant(text_of(original, "created_at"))
            yield ImportedRecord(record.leaf_index, at, original)
