"""Compares the columns beside a signed head with what the head and the rows say."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, type_coerce
from sqlalchemy.types import NullType

from rollback_drills.database.tables import HEADS
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey
from rollback_drills.evidence.verify.findings import FindingKind, Verification


class StoredHeads:
    """Takes the heads of the database in order, and compares each when the ledger has grown to its size."""

    def __init__(self, connection: Connection, result: Verification) -> None:
        """Read the heads of a database; findings go into the result."""
        self._connection, self._result = connection, result
        self._waiting: deque[Any] = deque()

    def iterate_notes(self) -> Iterator[str]:
        """Return the signed notes, the smallest first."""
        last = 0
        wanted = select(*(type_coerce(each, NullType()).label(each.name) for each in HEADS.c))
        for row in self._connection.execute(wanted.order_by(HEADS.c.tree_size)):
            self._waiting.append(row)
            note = row.note if isinstance(row.note, str) else ""
            head = _read(note)
            if head is not None:
                last = _follow(self._result, row.tree_size, head, last)
                if str(SignedNote.parse(note)) != note:
                    what = f"the signed head over {head.size} rows was changed"
                    self._result.add(FindingKind.CHANGED, what)
            yield note

    @property
    def next_size(self) -> float:
        """The size of the next head to be compared."""
        return self._waiting[0].tree_size if self._waiting else float("inf")

    def compare(self, size: int, created_at: str | None, key: PublicKey | None) -> None:
        """Compare the columns of the heads up to a size.

        Args:
            size: How many rows were read.
            created_at: Of the newest of these; None if it was pruned.
            key: Signs from here on; None if no row says which.
        """
        while self._waiting and self._waiting[0].tree_size <= size:
            row = self._waiting.popleft()
            name = f"the head over {row.tree_size} rows"
            if key is not None and row.public_key != key.text:
                self._result.add(FindingKind.CHANGED, f"{name} was changed in the column public_key")
            if row.tree_size == size and not _is_time_of(row.created_at, created_at):
                self._result.add(FindingKind.CHANGED, f"{name} was changed in the column created_at")


def _is_time_of(stored: Any, created_at: str | None) -> bool:
    """Whether a column holds the time of a row; of a row that was pruned, any time."""
    if created_at is not None:
        return stored is not None and str(stored) == created_at
    try:
        return write_instant(datetime.fromisoformat(stored)) == str(stored)
    except (TypeError, ValueError):
        return False


def _read(note: str) -> Checkpoint | None:
    try:
        return Checkpoint.parse(SignedNote.parse(note).text)
    except UsageError:
        return None


def _follow(result: Verification, tree_size: Any, head: Checkpoint, last: int) -> int:
    """Compare a head with the one before it; return its size."""
    if tree_size != head.size:
        result.add(
            FindingKind.CHANGED, f"the signed head over {head.size} rows is stored as one over {tree_size}"
        )
    if head.previous is not None and head.previous > last:
        result.add(FindingKind.REMOVED, f"the signed head over {head.previous} rows is missing")
    elif head.previous is not None and head.previous < last:
        result.add(
            FindingKind.INSERTED,
            f"the head over {last} rows is not the one that the head over {head.size} rows follows",
        )
    return head.size
