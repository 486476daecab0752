"""Compares the ledger with the newest head that is remembered elsewhere, to find evidence that went back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import HEADS
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.heads import Head, newest_head
from rollback_drills.evidence.index import read_time
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger_records import SetbackRecord
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.times import write_time

_NO_HEAD: Final = "holds no signed head of the evidence"


class _Written(msgspec.Struct, frozen=True):
    head: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class RememberedHead:
    """A head that was kept elsewhere, and when the newest row below it was written."""

    note: SignedNote
    written_at: datetime

    @property
    def checkpoint(self) -> Checkpoint:
        """What the head says."""
        return Checkpoint.parse(self.note.text)


@dataclass(frozen=True, slots=True)
class Setback:
    """What a ledger that went back lacks: an older copy was restored, or took its place."""

    remembered: RememberedHead
    size: int
    """How many rows the ledger has."""
    newest_at: datetime
    """When the newest of them was written."""

    def explain(self) -> str:
        """Explain what is missing, what follows from it, and what to do."""
        head, at = self.remembered.checkpoint, write_time(self.remembered.written_at)
        rows = write_count(head.size, "row")
        here = (
            f"this database has {write_count(self.size, 'row')}, up to {write_time(self.newest_at)}"
            if self.size < head.size
            else f"the first {rows} of this database are others"
        )
        return (
            f"evidence is missing: the Prefect server remembers the head {head.short} of {at}, and {here}: an"
            " older copy was restored, or is used instead. What was notified, acknowledged and recorded since"
            " is not known here, so people are notified again. Stop all workers and restore the newer copy."
            " Without one, do nothing: the next check continues from here"
        )

    def record(self, *, created_at: datetime, signer: str) -> SetbackRecord:
        """Return the record of what is missing, for those who read the evidence later."""
        return SetbackRecord(
            created_at=write_instant(created_at),
            signer=signer,
            remembered_head=self.remembered.checkpoint.short,
            remembered_at=write_instant(self.remembered.written_at),
            row_count=self.size,
            newest_created_at=write_instant(self.newest_at),
        )


def write_remembered(head: Head) -> dict[str, str]:
    """Return a head as it is remembered: the signed note, and when the newest row below it was written."""
    return {"head": str(head.note), "written_at": head.created_at}


def show_remembered(head: Head) -> str:
    """Return the page about a remembered head, as Markdown."""
    return (
        "# Newest head of the evidence\n\n"
        f"Written at {head.created_at}. The next run compares the evidence with it, and so does"
        f" `drills evidence verify`.\n\n```\n{head.note}```\n"
    )


def read_remembered(value: object) -> RememberedHead:
    """Read a head that was remembered.

    Raises:
        UsageError: It is not a signed head.
    """
    try:
        written = msgspec.convert(value if isinstance(value, Mapping) else {}, _Written)
    except msgspec.ValidationError:
        raise UsageError(_NO_HEAD) from None
    try:
        remembered = RememberedHead(SignedNote.parse(written.head), written.written_at)
        size = remembered.checkpoint.size
    except UsageError:
        raise UsageError(_NO_HEAD) from None
    if not size or written.written_at.tzinfo is None:
        raise UsageError(_NO_HEAD)
    return remembered


def find_setback(database: Database, remembered: RememberedHead) -> Setback | None:
    """Compare a ledger with a head that was remembered before it is read; return None if it has all of it.

    Every head that was signed stays in the database, so one that is not there was signed elsewhere.

    Raises:
        DatabaseError: The newest head is damaged.
    """
    with database.read() as connection:
        newest = newest_head(connection)
        if newest is None:
            return None
        expected, size = remembered.checkpoint, newest.checkpoint.size
        is_same = size >= expected.size and _find_root(connection, expected.size) == expected.root
    return None if is_same else Setback(remembered, size, read_time(newest.created_at))


def _find_root(connection: Connection, size: int) -> bytes | None:
    """Return the root of the head with this size; None if there is no such head, or it cannot be read."""
    note = connection.scalar(select(HEADS.c.note).where(HEADS.c.tree_size == size))
    try:
        return Checkpoint.parse(SignedNote.parse(note).text).root if isinstance(note, str) else None
    except UsageError:
        return None
