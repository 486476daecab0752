"""Gives a ledger a new key: a row names it, and the head over that row is signed by the old key too."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollback_drills.database.connections import Database
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import OpenSigningKey, appending
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.ledger_records import KeyRecord


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of a change of the key."""

    public_key: PublicKey
    """The key that signs from now on."""
    went_back: timedelta | None
    """How far the clock went back since the newest row, if that was noticed."""


def rotate_key(
    database: Database,
    *,
    is_lost: bool,
    created_at: datetime,
    signer: str,
    open_key: OpenSigningKey,
    make_key: Callable[[str], SigningKey],
) -> Rotated:
    """Change the key of a ledger, and return the new one.

    A crash after the new key was made leaves a key that nobody uses.

    Args:
        database: Keeps the ledger.
        is_lost: Whether the old key is gone; then the change is signed by the new one only, and says so.
        created_at: The clock of the evidence.
        signer: Who changes it.
        open_key: Opens the old key.
        make_key: Makes and saves a key with the name of the ledger.

    Raises:
        ConflictError: Another one changed the key meanwhile.
        UsageError: There is no ledger yet.
    """
    head = find_head(database)
    if head is None:
        raise UsageError("there is no evidence yet; its key is made when the first is written")
    if not is_lost:
        open_key(head.public_key)  # without it the change cannot be signed, and no new key is made
    new = make_key(head.public_key.name)
    opening: OpenSigningKey = (lambda _: new) if is_lost else open_key
    with appending(database, opening, replaces=head.public_key if is_lost else None) as (_, appender):
        replaced = (appender.head or head).public_key  # as it is now that nobody else writes
        record = KeyRecord(
            created_at=write_instant(created_at),
            signer=signer,
            origin=new.name,
            public_key=new.public.text,
            previous_public_key=replaced.text,
            lost=is_lost,
        )
        if is_lost:
            appender.add([record])
        else:
            appender.rotate(new, record)
    return Rotated(new.public, appender.went_back)
