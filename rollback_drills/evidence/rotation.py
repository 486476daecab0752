"""Gives a ledger a new key: a row names it, and the head over that row is signed by the old key too."""

from collections.abc import Callable
from datetime import datetime

from rollback_drills.database import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appending import OpenSigningKey, appending
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.records import KEY_KIND, start_record
from rollback_drills.ledger.keys import PublicKey, SigningKey


def rotate_key(
    database: Database,
    *,
    is_lost: bool,
    created_at: datetime,
    signer: str,
    open_key: OpenSigningKey,
    make_key: Callable[[str], SigningKey],
) -> PublicKey:
    """Change the key of a ledger, and give the new one.

    A crash after the new key was made leaves a key that nobody uses.

    Args:
        database: Keeps the ledger.
        is_lost: Whether the old key is gone; then the change is signed by the new one only, and says so.
        created_at: The clock of the evidence.
        signer: Who changes it.
        open_key: Opens the old key.
        make_key: Makes and saves a key with the name of the ledger.

    Raises:
        UsageError: There is no ledger yet.
    """
    head = find_head(database)
    if head is None:
        raise UsageError("there is no evidence yet; its key is made when the first is written")
    old = head.public_key
    new = make_key(old.name)
    record = {
        **start_record(KEY_KIND, "rcd-ledger", created_at=created_at, signer=signer),
        "origin": old.name,
        "public_key": new.public.text,
        "previous_public_key": old.text,
        "lost": is_lost,
    }
    if is_lost:
        with appending(database, lambda _: new, replaces=old) as (_, appender):
            appender.add([record])
    else:
        with appending(database, open_key) as (_, appender):
            appender.rotate(new, record)
    return new.public
