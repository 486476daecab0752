"""Names the rows of an export that are not as they were signed; the whole list of rows is read once more."""

from base64 import b64encode
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Final

from rollback_drills.evidence.export.manifest import ROWS_FILE, TREE_FILE
from rollback_drills.evidence.ledger.canonical import LARGEST_RECORD
from rollback_drills.evidence.ledger.merkle import hash_leaf
from rollback_drills.evidence.verify.bundle_files import BundleFiles
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.written_record import read_untrusted
from rollback_drills.rendering.counts import rows_are

_MOST_LINES_MORE: Final = 1000
"""After so many lines more than the tree has rows, each of them a finding, the rest is not read."""


def diagnose(files: BundleFiles, result: Verification) -> None:
    """Return which rows were changed, removed, inserted or reordered."""
    size, expected = _expected(files)
    if _is_misplaced(files, expected, result):
        return
    seen: dict[int, int] = {}
    newest = -1
    for number, content in enumerate(islice(_lines(files, ROWS_FILE), len(expected) + _MOST_LINES_MORE), 1):
        index = _index_of(content)
        line = f"line {number} of {ROWS_FILE}"
        if index is None:
            result.add(FindingKind.CHANGED, f"{line} holds no record any more")
            continue
        if index in seen:
            result.add(FindingKind.INSERTED, f"{line} is row {index} again, as line {seen[index]}")
        elif index not in expected:
            result.add(FindingKind.INSERTED, f"{line} says it is row {index}, which is not exported")
        elif expected[index] != b64encode(hash_leaf(content)):
            result.add(FindingKind.CHANGED, f"row {index} was changed ({line})")
        elif index < newest:
            result.add(FindingKind.REORDERED, f"row {index} stands behind row {newest} ({line})")
        if index in expected:
            seen.setdefault(index, number)
            newest = max(newest, index)
    _name_missing(result, sorted(set(expected) - set(seen)), size)


def _is_misplaced(files: BundleFiles, expected: dict[int, bytes], result: Verification) -> bool:
    """Find the first row that fits the tree and yet says that it belongs elsewhere: the tree was changed."""
    for content, (place, node) in zip(_lines(files, ROWS_FILE), expected.items(), strict=False):
        index = _index_of(content)
        if index is not None and index != place and node == b64encode(hash_leaf(content)):
            kind = FindingKind.REMOVED if index > place else FindingKind.INSERTED
            result.add(kind, f"row {index} stands at place {place} of the tree")
            return True
    return False


def _name_missing(result: Verification, missing: list[int], size: int) -> None:
    for start, end in _ranges(missing):
        which = rows_are(start, end)
        if end == size - 1:
            result.add(FindingKind.TRUNCATED, f"{which} missing at the end")
        else:
            result.add(FindingKind.REMOVED, f"{which} missing")


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    for _, numbered in groupby(enumerate(numbers), lambda each: each[1] - each[0]):
        group = [number for _, number in numbered]
        yield group[0], group[-1]


def _expected(files: BundleFiles) -> tuple[int, dict[int, bytes]]:
    """Return how many leaves the tree has, and the hash of each exported row by its number.

    The tree was read to its end before: each of its entries is one.
    """
    place, found = 0, {}
    for entry in _lines(files, TREE_FILE):
        word, *rest = entry.split(b" ")
        if word == b"row":
            found[place] = rest[0]
            place += 1
        else:
            place += 1 << int(rest[0])
    return place, found


def _lines(files: BundleFiles, name: str) -> Iterator[bytes]:
    with files.open(name) as lines:
        while line := lines.readline(LARGEST_RECORD + 1):
            yield line.removesuffix(b"\n")


def _index_of(content: bytes) -> int | None:
    index = (read_untrusted(content) or {}).get("leaf_index")
    return index if isinstance(index, int) else None
