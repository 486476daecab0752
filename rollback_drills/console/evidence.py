"""The evidence itself: its newest rows, its signed head, and whether it is as it was signed."""

from base64 import b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.console.csv_table import CsvTable
from rollback_drills.console.query import ROWS_ON_A_PAGE
from rollback_drills.console.source import Console
from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.heads import Head, find_head
from rollback_drills.evidence.index import NEVER, EvidenceFilter, EvidenceIndex, read_time
from rollback_drills.evidence.record_summary import EvidenceRow, describe_record
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.ledger import verify_ledger

MOST_VERIFIED: Final = 20_000
"""How many rows are verified while somebody waits for the page."""


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """The page of the evidence."""

    at: datetime
    rows: Sequence[EvidenceRow]
    total: int
    page: int
    head: Head | None
    verification: Verification | None
    """What was found; None if there is too much to look through while somebody waits."""
    known: Collection[str]
    """The schedules of these rows that have a page."""

    @property
    def page_count(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // ROWS_ON_A_PAGE))

    @property
    def root(self) -> str:
        """The root of the tree, as heads have it."""
        return b64encode(self.head.checkpoint.root).decode() if self.head else ""

    @property
    def signed_at(self) -> str:
        """When the head was signed; empty if somebody changed the column."""
        return self.head.created_at if self.head and read_time(self.head.created_at) > NEVER else ""


def read_evidence(console: Console, page: int) -> EvidenceView:
    """Read a page of rows, the newest first; verify all of them, if they are few.

    Raises:
        UsageError: There is no page of this number.
        DatabaseError: The evidence cannot be read.
    """
    database = console.evidence()
    rows, total = _read_rows(console, page)
    head = find_head(database)
    known = console.by_id.keys() & {row.schedule_id for row in rows}
    return EvidenceView(console.at, rows, total, page, head, _verify(database, head), known)


def list_evidence(console: Console, page: int = 1) -> CsvTable:
    """Return a page of rows for CSV, without looking through the others.

    Raises:
        UsageError: There is no page of this number.
        DatabaseError: The evidence cannot be read.
    """
    columns = ("number", "at", "kind", "is_imported", "schedule_id", "provider", "owner", "what")
    more = ("session_id", "flow_run_id")
    rows, _ = _read_rows(console, page)
    return CsvTable.of(rows, (*columns, *more))


def _read_rows(console: Console, page: int) -> tuple[list[EvidenceRow], int]:
    records, total = EvidenceIndex(console.evidence()).find(
        EvidenceFilter(), limit=ROWS_ON_A_PAGE, offset=(page - 1) * ROWS_ON_A_PAGE
    )
    if page > 1 and not records:
        raise UsageError(f"there is no page {page} of the evidence")
    return list(map(describe_record, records)), total


def _verify(database: Database, head: Head | None) -> Verification | None:
    if head is None or head.checkpoint.size > MOST_VERIFIED:
        return None
    return verify_ledger(database, Trust(), lambda _: None)
