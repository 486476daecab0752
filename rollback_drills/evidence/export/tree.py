"""Writes the tree of an export: a line for every row that is shown, and for every fold between them."""

from base64 import b64encode
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import BinaryIO, Final

from sqlalchemy import Connection

from rollback_drills.evidence.export.row_selection import fold_gap
from rollback_drills.evidence.heads import find_nodes

_NODES_AT_ONCE: Final = 200


class TreeWriter:
    """Takes the rows that are shown, in order, and folds what lies between them."""

    def __init__(
        self, file: BinaryIO, connection: Connection, head_sizes: Sequence[int], pruned_before: int
    ) -> None:
        """Begin at the first leaf.

        Args:
            file: Is written to.
            connection: Gives the hashes of what is not shown.
            head_sizes: Of the exported heads, ascending; no fold crosses one, so that its root can be seen.
            pruned_before: The leaf before which what is not shown was pruned.
        """
        self._file, self._connection = file, connection
        self._head_sizes, self._pruned_before = head_sizes, pruned_before
        self._place = 0

    def add_row(self, index: int, leaf: bytes) -> None:
        """Write a row, after everything before it.

        Raises:
            DatabaseError: The database does not have all hashes.
        """
        self.fold_until(index)
        self._file.write(b"row " + b64encode(leaf) + b"\n")
        self._place = index + 1

    def fold_until(self, end: int) -> None:
        """Write the leaves from the last row to before the end as folds.

        Raises:
            DatabaseError: The database does not have all hashes.
        """
        start, sizes = self._place, self._head_sizes
        if start >= end:
            return
        within = sizes[bisect_right(sizes, start) : bisect_right(sizes, end)]
        folds = fold_gap(start, end, sorted({*within, self._pruned_before}))
        while some := list(islice(folds, _NODES_AT_ONCE)):
            nodes = find_nodes(self._connection, some)
            for level, index in some:
                word = "pruned" if (index + 1) << level <= self._pruned_before else "fold"
                node = b64encode(nodes[level, index]).decode()
                self._file.write(f"{word} {level} {node}\n".encode())
        self._place = end
