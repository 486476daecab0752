"""The signed heads of the ledger, and the nodes of its tree, as they are kept in the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from rollback_drills.database import MOST_PARAMETERS, Database, DatabaseError
from rollback_drills.evidence.table import HEADS, LEDGER, PRUNED
from rollback_drills.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.ledger.keys import PublicKey
from rollback_drills.ledger.merkle import HASH_SIZE, Subtree, last_leaf


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head, and the key that signs after it."""

    created_at: str
    public_key: PublicKey
    note: SignedNote

    @property
    def checkpoint(self) -> Checkpoint:
        """What the head says."""
        return Checkpoint.parse(self.note.text)

    @classmethod
    def from_row(cls, row: Any) -> "Head":
        """Read a row of the table.

        Raises:
            UsageError: The row is damaged.
        """
        return cls(row.created_at, PublicKey.parse(row.public_key), SignedNote.parse(row.note))


def find_head(database: Database) -> Head | None:
    """Give the newest head; None if nothing was signed yet."""
    with database.read() as connection:
        return newest_head(connection)


def newest_head(connection: Connection) -> Head | None:
    """Give the newest head within a transaction."""
    row = connection.execute(select(HEADS).order_by(HEADS.c.tree_size.desc()).limit(1)).first()
    return Head.from_row(row) if row else None


def iterate_heads(connection: Connection, *, after: int = 0) -> Iterator[Head]:
    """Give the heads of trees larger than a size, the smallest first."""
    wanted = select(HEADS).where(HEADS.c.tree_size > after).order_by(HEADS.c.tree_size)
    for row in connection.execute(wanted):
        yield Head.from_row(row)


def find_nodes(connection: Connection, subtrees: Iterable[Subtree]) -> dict[Subtree, bytes]:
    """Give the hashes of complete subtrees; each stands with the leaf that completed it.

    Raises:
        DatabaseError: The database does not have them all.
    """
    wanted = list(subtrees)
    hashes: dict[int, bytes] = {}
    for table in (LEDGER, PRUNED):
        leaves = sorted({last_leaf(subtree) for subtree in wanted} - set(hashes))
        for start in range(0, len(leaves), MOST_PARAMETERS):
            some = leaves[start : start + MOST_PARAMETERS]
            rows = connection.execute(
                select(table.c.leaf_index, table.c.hashes).where(table.c.leaf_index.in_(some))
            )
            hashes |= {row.leaf_index: row.hashes for row in rows}
    found = {}
    for subtree in wanted:
        start = subtree[0] * HASH_SIZE
        node = hashes.get(last_leaf(subtree), b"")[start : start + HASH_SIZE]
        if not node:
            raise damage(f"row {last_leaf(subtree)} is missing")
        found[subtree] = node
    return found


def damage(what: str) -> DatabaseError:
    """Say what of the evidence does not fit together."""
    return DatabaseError(f"the evidence is damaged: {what}; `drills evidence verify` shows what happened")
