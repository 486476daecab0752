"""The signed heads of the ledger, and the nodes of its tree, as they are kept in the database."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, or_, select

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import HEADS, LEDGER, PRUNED
from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey
from rollback_drills.evidence.ledger.merkle import HASH_SIZE, Subtree, last_leaf
from rollback_drills.evidence.record_kinds import KEY_KIND

# Made once: every append asks for both twice.
_NEWEST_HEAD: Final = select(HEADS).order_by(HEADS.c.tree_size.desc()).limit(1)
_NEWEST_KEY: Final = (
    select(LEDGER.c.record)
    .where(LEDGER.c.schedule_id == "", LEDGER.c.metadata_kind == KEY_KIND)
    .order_by(LEDGER.c.leaf_index.desc())
    .limit(1)
)


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


def find_head(database: Database) -> Head | None:
    """Return the newest head, or None if nothing was signed yet.

    Raises:
        DatabaseError: The head is damaged.
    """
    with database.read() as connection:
        return newest_head(connection)


def newest_head(connection: Connection) -> Head | None:
    """Return the newest head within a transaction, as `find_head`."""
    row = connection.execute(_NEWEST_HEAD).first()
    if row is None:
        return None
    note = _read_note(row)
    return Head(row.created_at, _find_key(connection, row.public_key, note), note)


def iterate_heads(connection: Connection, *, after: int, also: Collection[int]) -> Iterator[SignedNote]:
    """Yield the signed heads of trees larger than a size, and those of the sizes `also`, the smallest first.

    Raises:
        DatabaseError: A head is damaged.
    """
    size = HEADS.c.tree_size
    wanted = select(HEADS).where(or_(size > after, size.in_(also))).order_by(size)
    for row in connection.execute(wanted):
        yield _read_note(row)


def _read_note(row: Any) -> SignedNote:
    try:
        note = SignedNote.parse(row.note)
        checkpoint = Checkpoint.parse(note.text)
    except (UsageError, TypeError):
        raise damage(f"the signed head over {row.tree_size} rows cannot be read") from None
    if checkpoint.size != row.tree_size:
        raise damage(f"the head over {checkpoint.size} rows is stored as one over {row.tree_size}")
    return note


def _find_key(connection: Connection, stored: Any, note: SignedNote) -> PublicKey:
    """Return the key that signs from here on: the newest row that names a key says which.

    The column says it too, and anybody who can write the database can change it. Where the two differ, the
    one that signed the head is right.
    """
    named = _named_key(connection.scalar(_NEWEST_KEY))
    keys = list(filter(None, map(_read_key, (named, stored) if named != stored else (named,))))
    if named == stored and keys:
        return keys[0]
    for key in keys:
        if note.is_signed_by(key):
            return key
    raise damage("its newest head is not signed by its key")


class _NamedKey(msgspec.Struct, frozen=True, gc=False):
    public_key: str


def _named_key(record: Any) -> str | None:
    try:
        return msgspec.json.decode(record, type=_NamedKey).public_key
    except (msgspec.DecodeError, TypeError, RecursionError):
        return None


def _read_key(text: Any) -> PublicKey | None:
    try:
        return PublicKey.parse(text) if isinstance(text, str) else None
    except UsageError:
        return None


def find_nodes(connection: Connection, subtrees: Iterable[Subtree]) -> dict[Subtree, bytes]:
    """Return the hashes of complete subtrees; each stands with the leaf that completed it.

    Raises:
        DatabaseError: The database does not have them all.
    """
    wanted = list(subtrees)
    hashes: dict[int, bytes] = {}
    for table in (LEDGER, PRUNED):
        leaves = sorted({last_leaf(subtree) for subtree in wanted} - set(hashes))
        some = one_of(table.c.leaf_index, leaves)
        rows = connection.execute(select(table.c.leaf_index, table.c.hashes).where(some)) if leaves else ()
        hashes |= {row.leaf_index: row.hashes for row in rows if isinstance(row.hashes, bytes)}
    found = {}
    for subtree in wanted:
        start = subtree[0] * HASH_SIZE
        node = hashes.get(last_leaf(subtree), b"")[start : start + HASH_SIZE]
        if not node:
            raise damage(f"row {last_leaf(subtree)} is missing")
        found[subtree] = node
    return found


def damage(what: str) -> DatabaseError:
    """Return what of the evidence does not fit together."""
    return DatabaseError(f"the evidence is damaged: {what}; `drills evidence verify` shows what happened")
