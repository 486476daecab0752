"""The record of what another index has recorded."""

from msgspec import UNSET, UnsetType

from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import IMPORT_KIND
from rollback_drills.evidence.written_record import WrittenRecord


class ImportRecord(Record, frozen=True, kw_only=True, gc=False, tag=IMPORT_KIND):
    """Holds an imported record."""

    session_id: str = "rcd-import"
    imported_from: str
    imported_row: int | UnsetType = UNSET
    """Of the table of the first format; UNSET of a file."""
    original: WrittenRecord
