"""The calendar feeds of owners: who made one, for whom, until when, and whether it was revoked.

A feed is readable only while the evidence has its record and no revocation of it: a signature alone permits
nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from secrets import token_hex
from typing import Final

import msgspec
from sqlalchemy import select

from rollback_drills.access.link_permission import FEED_LASTS
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import Field, UsageError
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import FEED_KIND, FEED_REVOCATION_KIND
from rollback_drills.evidence.written_record import WrittenRecord, read_untrusted, text_of
from rollback_drills.followup.acknowledgements.acknowledgement import check_texts
from rollback_drills.names.keys import is_same
from rollback_drills.redaction.computed import Computed

FEED_PATH: Final = "/feeds"
"""Where the API serves feeds."""
_MOST_FEEDS: Final = 10_000


class Feed(msgspec.Struct, frozen=True):
    """One feed, as commands list it."""

    feed_id: str
    owner: str
    granted_by: str
    created_at: str
    expires_at: str
    revoked_at: str | None = None
    revoked_by: str | None = None

    def is_usable(self, now: datetime) -> bool:
        """Return whether its calendar can be read."""
        return self.revoked_at is None and now < datetime.fromisoformat(self.expires_at)


class FeedRecord(Record, frozen=True, kw_only=True, gc=False, tag=FEED_KIND):
    """That an owner gets a feed, as the evidence has it; its session is the feed."""

    owner: str
    granted_by: str
    expires_at: Computed


class FeedRevocationRecord(Record, frozen=True, kw_only=True, gc=False, tag=FEED_REVOCATION_KIND):
    """That a feed cannot be read any more, as the evidence has it."""

    owner: str
    revoked_by: str
    reason: str


def write_address(public_url: str, permission: str) -> str:
    """Return the address of a feed, for a calendar program."""
    return f"{public_url.rstrip('/')}{FEED_PATH}/{permission}.ics"


def record_feed(owner: str, *, by: str, created_at: datetime) -> FeedRecord:
    """Write down that an owner gets a feed.

    Raises:
        UsageError: Nobody is named, or a text holds what evidence must not.
    """
    for field, text in (("owner", owner), ("by", by)):
        if not text.strip():
            raise UsageError("is empty; write a name", field=field)
    check_texts(by=by, owner=owner)
    return FeedRecord(
        session_id=f"rdfeed-{token_hex(8)}",
        created_at=write_instant(created_at),
        signer=by,
        owner=owner,
        granted_by=by,
        expires_at=write_instant(created_at + FEED_LASTS),
    )


def record_feed_revocations(
    feeds: Sequence[Feed], *, by: str, reason: str, created_at: datetime
) -> list[FeedRevocationRecord]:
    """Write down that feeds cannot be read any more.

    Raises:
        UsageError: Nobody is named, or a text holds what evidence must not.
    """
    if not by.strip():
        raise UsageError("is empty; write a name", field="by")
    check_texts(by=by, reason=reason)
    return [
        FeedRevocationRecord(
            session_id=each.feed_id,
            created_at=write_instant(created_at),
            signer=by,
            owner=each.owner,
            revoked_by=by,
            reason=reason,
        )
        for each in feeds
    ]


def list_feeds(database: Database) -> list[Feed]:
    """Return every feed, the newest first.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    return list(_read(database))


def choose_feeds(database: Database, *, feed_id: str | None, owner: str | None, now: datetime) -> list[Feed]:
    """Return the feeds to revoke: one by its id, or every usable one of an owner.

    Raises:
        UsageError: Neither or both are given, or there is no usable feed of this kind; names those there are.
    """
    if (feed_id is None) == (owner is None):
        raise UsageError("pass either ", Field("feed_id"), " or ", Field("owner"))
    usable = [each for each in _read(database) if each.is_usable(now)]
    if owner is None:
        wanted = [each for each in usable if each.feed_id == feed_id]
    else:
        wanted = [each for each in usable if is_same(each.owner, owner)]
    if not wanted:
        names = sorted({each.owner for each in usable})
        there = f"; there are feeds of {', '.join(names)}" if names else "; there is none"
        raise UsageError(f"is not that of a usable feed{there}", field="feed_id" if feed_id else "owner")
    return wanted


def find_feed(database: Database | None, feed_id: str, *, now: datetime) -> Feed:
    """Return the feed that an address is about; without a database there is none.

    Raises:
        UsageError: It was revoked, has expired, or the evidence does not have it.
        DatabaseError: The evidence cannot be read.
    """
    found = next(_read(database, feed_id), None) if database else None
    if found is None:
        raise UsageError("this address is not valid; ask for a new one")
    if not found.is_usable(now):
        state = "was revoked" if found.revoked_at else "has expired"
        raise UsageError(f"this address {state}; ask for a new one")
    return found


def _read(database: Database, feed_id: str | None = None) -> Iterator[Feed]:
    granted = EvidenceFilter(metadata_kind=FEED_KIND, session_id=feed_id)
    revoked = _find_revoked(database, feed_id)
    for record in EvidenceIndex(database).read(granted, FeedRecord, limit=_MOST_FEEDS):
        end = revoked.get(record.session_id)
        yield Feed(
            record.session_id,
            record.owner,
            record.granted_by,
            record.created_at,
            record.expires_at,
            text_of(end, "created_at") if end is not None else None,
            text_of(end, "revoked_by") if end is not None else None,
        )


def _find_revoked(database: Database, feed_id: str | None) -> dict[str, WrittenRecord]:
    """Return by feed what revoked it, whatever the row says: nobody can use a feed by changing it."""
    wanted = EvidenceFilter(metadata_kind=FEED_REVOCATION_KIND, session_id=feed_id)
    with database.read() as connection:
        rows = select(LEDGER.c.session_id, LEDGER.c.record).where(*wanted.to_sql(connection))
        found = connection.execute(rows).all()
    return {row.session_id: read_untrusted(row.record.encode()) or {} for row in found}
