"""Proofs of inclusion and consistency (RFC 6962, 2.1.1 and 2.1.2) of the ledger, as documents."""

from base64 import b64encode

import msgspec
from sqlalchemy import Connection

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.heads import Head, find_nodes, newest_head
from rollback_drills.evidence.ledger.merkle import (
    Ranges,
    consistency_ranges,
    fold,
    frontier_of,
    inclusion_ranges,
    prove,
)


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The proof that a row is in the tree of a size; hashes are Base64."""

    leaf_index: int
    leaf_hash: str
    size: int
    root: str
    checkpoint: str | None = None
    """The signed note of the newest head, if it is over this tree."""
    inclusion: list[str]


class ConsistencyProof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The proof that the tree of a size begins with an older one; hashes are Base64."""

    old_size: int
    old_root: str
    size: int
    root: str
    checkpoint: str | None = None
    """The signed note of the newest head, if it is over this tree."""
    consistency: list[str]


def prove_inclusion(database: Database, leaf_index: int, size: int | None) -> InclusionProof:
    """Prove that a row is in the tree of a size; None is the newest head's.

    Raises:
        UsageError: There is no such row or tree.
    """
    with database.read() as connection:
        head = _find_head(connection)
        size = _check_size(size, head)
        if not 0 <= leaf_index < size:
            raise UsageError(f"a tree of {size} rows has the rows 0 to {size - 1}, not {leaf_index}")
        leaf = find_nodes(connection, [(0, leaf_index)])[0, leaf_index]
        return InclusionProof(
            leaf_index=leaf_index,
            leaf_hash=b64encode(leaf).decode(),
            size=size,
            root=_root(connection, size),
            checkpoint=_checkpoint_over(size, head),
            inclusion=_prove(connection, inclusion_ranges(leaf_index, size)),
        )


def prove_consistency(database: Database, old_size: int, size: int | None) -> ConsistencyProof:
    """Prove that the tree of a size begins with the tree of an older one.

    Raises:
        UsageError: There are no such trees.
    """
    with database.read() as connection:
        head = _find_head(connection)
        size = _check_size(size, head)
        if not 0 < old_size <= size:
            raise UsageError(f"a tree of {size} rows does not begin with one of {old_size}")
        return ConsistencyProof(
            old_size=old_size,
            old_root=_root(connection, old_size),
            size=size,
            root=_root(connection, size),
            checkpoint=_checkpoint_over(size, head),
            consistency=_prove(connection, consistency_ranges(old_size, size)),
        )


def _find_head(connection: Connection) -> Head:
    head = newest_head(connection)
    if head is None:
        raise UsageError("there is no evidence yet")
    return head


def _check_size(size: int | None, head: Head) -> int:
    newest = head.checkpoint.size
    if size is None:
        return newest
    if not 0 < size <= newest:
        raise UsageError(f"{size} is not a signed size; the newest is {newest}", field="size")
    return size


def _checkpoint_over(size: int, head: Head) -> str | None:
    return str(head.note) if size == head.checkpoint.size else None


def _root(connection: Connection, size: int) -> str:
    subtrees = frontier_of(size)
    nodes = find_nodes(connection, subtrees)
    return b64encode(fold([nodes[each] for each in subtrees])).decode()


def _prove(connection: Connection, ranges: Ranges) -> list[str]:
    return [b64encode(node).decode() for node in prove(ranges, lambda wanted: find_nodes(connection, wanted))]
