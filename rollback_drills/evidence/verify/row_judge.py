"""Judges a stored row by itself: its record, its hash, and the columns that follow from the record."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from rollback_drills.evidence.appender import columns_of
from rollback_drills.evidence.ledger.merkle import HASH_SIZE, hash_leaf
from rollback_drills.evidence.pruning import digest_once_keys
from rollback_drills.evidence.record_kinds import ONCE_KINDS
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.own_records import Pruning
from rollback_drills.evidence.verify.population_audit import PopulationAudit
from rollback_drills.evidence.verify.stored_rows import COLUMNS, StoredRow
from rollback_drills.evidence.verify.taken_outcomes import TakenOutcomes
from rollback_drills.evidence.written_record import WrittenRecord, read_untrusted, text_of
from rollback_drills.rendering.counts import rows_were

NO_HASH: Final = bytes(HASH_SIZE)
_TEXTS: Final = ("schema_version", "product", "session_id", "metadata_kind", "signer", "created_at")
"""What every record says; the last one is a time."""
_ONCE_KEY: Final = COLUMNS.index("once_key")


class RowJudge:
    """Takes the rows in order; what it finds goes into the result."""

    def __init__(self, result: Verification, outcomes: TakenOutcomes) -> None:
        """Begin before the first row."""
        self.created_at: str | None = None
        """Of the newest row; None if it cannot be read, or was pruned."""
        self._result, self._outcomes = result, outcomes
        self._populations = PopulationAudit(result)
        self._pruned_keys: list[tuple[int, str]] = []
        self._earlier_keys = 0

    def judge(self, row: StoredRow) -> tuple[bytes, bytes]:
        """Judge a row; return the stored hash of its leaf and its content, empty if it was changed."""
        leaf = row.hashes[:HASH_SIZE] if isinstance(row.hashes, bytes) else b""
        leaf = leaf if len(leaf) == HASH_SIZE else NO_HASH
        self.created_at = None
        if row.is_pruned:
            self._populations.skip_pruned()
            if row.once_key is not None:
                self._pruned_keys.append((row.leaf_index, str(row.once_key)))
            if row.problem:
                self._result.add(FindingKind.CHANGED, f"row {row.leaf_index} cannot be read: {row.problem}")
            return leaf, b""
        content = row.record.encode("utf-8", "surrogateescape") if isinstance(row.record, str) else b""
        problem = self._find_problem(row, content, leaf)
        if problem:
            self._result.add(*problem)
        return leaf, b"" if problem else content

    def finish(self, newest_pruning: Pruning | None) -> None:
        """Compare what is kept of pruned rows with what the newest pruning says of it."""
        self._populations.finish()
        says = newest_pruning.once_keys if newest_pruning else None
        if says is None and self._pruned_keys:
            self._earlier_keys += len(self._pruned_keys)
        elif says is not None and says != digest_once_keys(self._pruned_keys):
            self._result.add(
                FindingKind.CHANGED, "the column once_key of the pruned rows is not as the pruning left it"
            )
        if self._earlier_keys:
            self._result.remarks.append(
                f"{rows_were(self._earlier_keys)} written by a version that did not sign the column"
                " once_key: whether it was changed there cannot be verified"
            )

    def _find_problem(self, row: StoredRow, content: bytes, leaf: bytes) -> tuple[FindingKind, str] | None:
        name = f"row {row.leaf_index}"
        if row.problem:
            return FindingKind.CHANGED, f"{name} cannot be read: {row.problem}"
        record = read_untrusted(content) or {}
        try:
            expected = columns_of(record)
        except KeyError:
            return FindingKind.CHANGED, f"{name} was changed: it holds no record any more"
        if expected["leaf_index"] != row.leaf_index:
            return FindingKind.REORDERED, f"{name} says that it is row {expected['leaf_index']}"
        described = f"{name} ({expected['created_at']}, {expected['metadata_kind']})"
        if hash_leaf(content) != leaf:
            return FindingKind.CHANGED, f"{described} was changed"
        self.created_at = text_of(expected, "created_at")
        self._outcomes.find(record)
        self._populations.take(record)
        for column in self._differing(row.columns, expected):
            return FindingKind.CHANGED, f"{described} was changed in the column {column}"
        for field in filter(None, (_find_wrong(record, each) for each in _TEXTS)):
            return (
                FindingKind.CHANGED,
                f"{described} was written by no version: its {field}; readers leave it out",
            )
        return None

    def _differing(self, columns: tuple[Any, ...], expected: WrittenRecord) -> Iterator[str]:
        for name, stored in zip(COLUMNS, columns, strict=True):
            value = expected[name]
            if stored == value:
                continue
            if name == COLUMNS[_ONCE_KEY] and value is None and expected["metadata_kind"] in ONCE_KINDS:
                self._earlier_keys += 1  # the record does not say it: it is of an earlier version
                continue
            yield name


def _find_wrong(record: WrittenRecord, name: str) -> str:
    """Describe what is wrong with a text that every record has; empty if nothing is."""
    value = record.get(name, "")
    if not isinstance(value, str):
        return f"{name} is no text"
    if name == _TEXTS[-1]:
        with suppress(ValueError):
            return "" if datetime.fromisoformat(value).tzinfo else f"{name} has no offset"
        return f"{name} is no timestamp"
    return ""
