"""Adds records to the ledger: the only way into it. Every transaction that adds ends with a signed head."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, insert, select

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import ConflictError, repeat_on_conflict
from rollback_drills.database.first_format import has_first_format, retire
from rollback_drills.database.tables import HEADS, LEDGER
from rollback_drills.errors import UsageError
from rollback_drills.evidence.first_records import read_first_records
from rollback_drills.evidence.heads import Head, damage, find_head, find_nodes, newest_head
from rollback_drills.evidence.index import NEVER, read_time
from rollback_drills.evidence.ledger.canonical import LARGEST_RECORD, write_canonical
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.ledger.merkle import Frontier, frontier_of, hash_leaf
from rollback_drills.evidence.ledger_records import ClockRecord, KeyRecord
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.written_record import WrittenRecord, text_of
from rollback_drills.readiness.acceptance import CLOCK_SKEW

OpenSigningKey = Callable[[PublicKey | None], SigningKey]
"""Gives the private key of the ledger's current key; a new one for a ledger that has none yet."""

_ROWS_AT_ONCE: Final = 1000
_FOUND_BY: Final = ("schedule_id", "cycle_id", "provider", "owner", "action", "category")
_LONGEST: Final[Mapping[str, int | None]] = {
    name: getattr(LEDGER.c[name].type, "length", None) for name in _FOUND_BY
}
_NOTHING_SAID: Final = dict.fromkeys(_FOUND_BY, "")
_SAID: Final = (*_FOUND_BY, "delivery_success")
"""What a record may say of what it is found by."""


class Appender:
    """Adds records within one transaction; see `appending`."""

    def __init__(self, connection: Connection, key: SigningKey, replaces: PublicKey | None = None) -> None:
        """Lock the ledger for other writers, and read where it ends.

        Args:
            connection: In a transaction that writes.
            key: Signs the head.
            replaces: The key in whose place it signs, if that was lost.

        Raises:
            ConflictError: The ledger has another key than the one that was opened.
            DatabaseError: The rows and the newest head do not fit together.
        """
        self._connection = connection
        self._keys = [key]
        lock_ledger(connection)
        self.head = newest_head(connection)
        if self.head and self.head.public_key != (replaces or key.public):
            raise ConflictError("the key of the evidence was changed meanwhile; try again")
        newest = select(LEDGER.c.leaf_index, LEDGER.c.created_at)
        row = connection.execute(newest.order_by(LEDGER.c.leaf_index.desc()).limit(1)).first()
        size = row.leaf_index + 1 if row else 0
        if size != (self.head.checkpoint.size if self.head else 0):
            raise damage(f"it has {size} rows, and its newest head says something else")
        wanted = frontier_of(size)
        nodes = find_nodes(connection, wanted)
        self._frontier = Frontier(size, [nodes[each] for each in wanted])
        self.count = 0
        """How many records were added, without what the ledger says of itself."""
        # a column that somebody changed says nothing: verification finds it
        self._newest = row.created_at if row and read_time(row.created_at) > NEVER else ""
        self.went_back: timedelta | None = None
        """How far the clock went back since the newest row, if that was noticed."""

    def add(self, records: Iterable[Record | WrittenRecord], once_keys: Iterable[str] | None = None) -> None:
        """Add records.

        Args:
            records: Redacted; such as another run has written stay as they are.
            once_keys: For each record the key under which it may be written only once.
        """
        rows = []
        keys = iter(once_keys) if once_keys is not None else None
        for record in records:
            rows += [self._row(own) for own in self._before(record)]
            self.count += 1
            rows.append(self._row(record, next(keys) if keys else None))
            if len(rows) >= _ROWS_AT_ONCE:
                self._connection.execute(insert(LEDGER), rows)
                rows.clear()
        if rows:
            self._connection.execute(insert(LEDGER), rows)

    def add_first_records(self, created_at: datetime) -> None:
        """Add the rows of the first format, and rename their table."""
        for key, record in read_first_records(self._connection, created_at):
            self.add([record], [key])
        retire(self._connection)

    def rotate(self, new: SigningKey, record: Record) -> None:
        """Add the record of a new key; the head is signed by both, and all later ones by the new key."""
        self.add([record])
        self._keys.append(new)

    def sign(self) -> Head | None:
        """Sign the tree as it is now, if it has grown, and keep the head."""
        if not self.count:
            return self.head
        previous = self.head.checkpoint.size if self.head else 0
        checkpoint = Checkpoint(self._keys[-1].name, self._frontier.size, self._frontier.root(), previous)
        note = SignedNote.sign(checkpoint.text, self._keys)
        self.head = Head(self._newest, self._keys[-1].public, note)
        self._connection.execute(
            insert(HEADS).values(
                tree_size=checkpoint.size,
                created_at=self.head.created_at,
                public_key=self.head.public_key.text,
                note=str(note),
            )
        )
        return self.head

    def _before(self, record: Record | WrittenRecord) -> Iterator[Record]:
        """Yield what the ledger says of itself before a record: its key, and a clock that went back."""
        if isinstance(record, Record):
            created_at, signer = record.created_at, record.signer
        else:
            created_at, signer = text_of(record, "created_at"), text_of(record, "signer")
        if not self._frontier.size:
            yield KeyRecord(
                created_at=created_at,
                signer=signer,
                origin=self._keys[0].name,
                public_key=self._keys[0].public.text,
            )
        elif created_at < self._newest:
            step = datetime.fromisoformat(self._newest) - datetime.fromisoformat(created_at)
            if step > CLOCK_SKEW:
                self.went_back = step
                yield ClockRecord(
                    created_at=created_at,
                    signer=signer,
                    newest_created_at=self._newest,
                    seconds_back=int(step.total_seconds()),
                )
        self._newest = created_at

    def _row(self, record: Record | WrittenRecord, once_key: str | None = None) -> dict[str, object]:
        leaf = _place(record, self._frontier.size, once_key)
        content = write_canonical(leaf)
        if len(content) > LARGEST_RECORD:
            raise UsageError(
                f"a record of {len(content):,} bytes is too large for the evidence; the most is"
                f" {LARGEST_RECORD:,} bytes"
            )
        return {
            **columns_of(leaf),
            "hashes": self._frontier.add_leaf(hash_leaf(content)),
            "record": content.decode(),
        }


def _place(record: Record | WrittenRecord, leaf_index: int, once_key: str | None) -> Record | WrittenRecord:
    """Return a record as its row has it."""
    if isinstance(record, Record):
        return msgspec.structs.replace(record, leaf_index=leaf_index, once_key=once_key or UNSET)
    return {**record, "leaf_index": leaf_index, **({"once_key": once_key} if once_key else {})}


def lock_ledger(connection: Connection) -> None:
    """Let nobody else write to the ledger until the transaction ends, as SQLite does by itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {LEDGER.name} IN EXCLUSIVE MODE")


@contextmanager
def appending(
    database: Database, open_key: OpenSigningKey, *, replaces: PublicKey | None = None
) -> Iterator[tuple[Connection, Appender]]:
    """Add to the ledger in one transaction, which ends with a signed head, or not at all.

    The rows of a database of the first format come first, if they are not in the ledger yet.

    Args:
        database: Keeps the ledger.
        open_key: Opens the key of the ledger.
        replaces: The key in whose place the opened one signs, if that was lost.

    Raises:
        ConflictError: Another writer changed the key; see `repeat_on_conflict`.
        DatabaseError: The database cannot be written; nothing was added.
    """
    head = find_head(database)
    key = open_key(head.public_key if head else None)
    with database.write() as connection:
        appender = Appender(connection, key, replaces)
        if has_first_format(connection):
            appender.add_first_records(database.now())
        yield connection, appender
        appender.sign()


@repeat_on_conflict
def append(database: Database, records: Sequence[Record], open_key: OpenSigningKey) -> Appender:
    """Add records, all of them or none, and return what came of it.

    Raises:
        DatabaseError: The database cannot be written; nothing was added.
    """
    with appending(database, open_key) as (_, appender):
        appender.add(records)
    return appender


def columns_of(record: Record | WrittenRecord) -> dict[str, object]:
    """Return the columns by which a record is found; each of them follows from the record."""
    if isinstance(record, Record):
        return {
            "leaf_index": record.leaf_index,
            "created_at": record.created_at,
            "metadata_kind": record.kind(),
            "session_id": record.session_id,
            **_found_by(getattr(record, "original", None) or record),
            "once_key": None if record.once_key is UNSET else record.once_key,
        }
    original = record.get("original")  # of an imported record, what it says itself
    return {
        "leaf_index": record["leaf_index"],
        "created_at": record["created_at"],
        "metadata_kind": record["metadata_kind"],
        "session_id": record["session_id"],
        **_found_by(original if isinstance(original, Mapping) else record),
        "once_key": record.get("once_key"),
    }


def _found_by(record: Record | WrittenRecord) -> dict[str, object]:
    if isinstance(record, Record):
        said = {name: getattr(record, name) for name in _names_in(type(record))}
    else:
        said = {name: record[name] for name in _SAID if name in record}
    success = said.pop("delivery_success", None)
    texts = {name: _text(name, value) for name, value in said.items()}
    return {**_NOTHING_SAID, **texts, "success": success if isinstance(success, bool) else None}


@cache
def _names_in(kind: type[Record]) -> Sequence[str]:
    return [name for name in _SAID if name in kind.__struct_fields__]


def _text(name: str, value: object) -> str:
    """Return what a column can hold: an imported record says what it likes, and PostgreSQL takes no NUL."""
    if not isinstance(value, str) or "\0" in value:
        return ""
    longest = _LONGEST[name]
    return value if longest is None or len(value) <= longest else ""
