"""Judges whether an export of a period holds all of it."""

from dataclasses import dataclass

from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.written_record import read_untrusted

_OWN_KIND = b'"metadata_kind":"rollback-drills-ledger-'


@dataclass(slots=True)
class _Segment:
    """Rows that lie side by side."""

    start: int
    first: bytes
    last: bytes
    is_after_pruned: bool
    has_records: bool = False
    """Whether a row of it is more than what the ledger says of itself."""
    is_before_fold: bool = False


class Selection:
    """Takes the entries of an export in order. Of schedules nothing can be said, of a period everything."""

    def __init__(self, query: Query) -> None:
        """Judge by what was asked for."""
        self._query = query
        self._segments: list[_Segment] = []
        self._open: _Segment | None = None
        self._was_pruned = True  # nothing lies before the first row

    def add_row(self, place: int, content: bytes) -> None:
        """Take a row."""
        if self._query.schedules is not None:
            return
        segment = self._open
        if segment is None:
            segment = self._open = _Segment(place, content, content, self._was_pruned)
        segment.last = content
        if not segment.has_records and _OWN_KIND not in content:
            segment.has_records = True
            self._segments.append(segment)

    def add_subtree(self, *, pruned: bool) -> None:
        """Take what is not exported."""
        if self._open is not None:
            self._open.is_before_fold = not pruned
            self._open = None
        self._was_pruned = pruned

    def judge(self, result: Verification) -> None:
        """Return what is left out of the period although it belongs to it."""
        if self._query.schedules is not None:
            result.remarks.append(
                "this is an export of some schedules: nothing in it was changed, but it cannot show by itself"
                " that no row of them was left out"
            )
            return
        for before, after in zip(self._segments, self._segments[1:], strict=False):
            if not after.is_after_pruned:
                result.add(
                    FindingKind.REMOVED,
                    f"rows between row {before.start} and row {after.start} are left out of the period",
                )
        if not self._segments:
            return
        first, last = self._segments[0], self._segments[-1]
        since, until = self._query.since, self._query.until
        if not first.is_after_pruned and (since is None or _instant(first.first) >= since):
            result.add(FindingKind.REMOVED, f"rows before row {first.start} are left out of the period")
        if last.is_before_fold and (until is None or _instant(last.last) < until):
            result.add(FindingKind.REMOVED, "rows at the end of the period are left out")


def _instant(content: bytes) -> str:
    return str((read_untrusted(content) or {}).get("created_at", ""))
