"""Replays and discards notifications, each with a record of who did it, why, and what was changed."""

from collections.abc import Sequence

from rollback_drills import ids
from rollback_drills.database.connections import Database, repeat_on_conflict
from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.records import DISCARD_KIND, REPLAY_EXECUTION_KIND, start_record
from rollback_drills.outbox.queries import discard_rows, replay_rows
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.readiness.terms import Report
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recording import (
    Recording,
    Writer,
    describe_rows,
    name_providers,
    read_rows,
    recording,
)


@repeat_on_conflict
def replay(database: Database, notification_ids: Sequence[str], act: Act, writer: Writer) -> Recording:
    """Make notifications due again, and write down who replayed which.

    Raises:
        UsageError: Nobody or nothing is named, or in a way that evidence must not hold.
    """
    act.check()
    with recording(database, writer) as written:
        written.look_at(*name_providers(read_rows(written.connection, notification_ids)))
        rows = replay_rows(written.connection, notification_ids, now=written.writer.now.timestamp())
        if rows:
            written.add(record_execution(written, rows, act))
    return written


@repeat_on_conflict
def discard(database: Database, notification_ids: Sequence[str], act: Act, writer: Writer) -> Recording:
    """Take notifications out that were not delivered, and write down who discarded which.

    Raises:
        UsageError: Nobody or nothing is named, or in a way that evidence must not hold.
    """
    act.check()
    with recording(database, writer) as written:
        written.look_at(*name_providers(read_rows(written.connection, notification_ids)))
        rows = discard_rows(written.connection, notification_ids)
        if rows:
            at = write_instant(written.writer.now)
            session_id = name_replay(act, at, rows)
            written.add(
                {
                    **start_record(
                        DISCARD_KIND, session_id, created_at=written.writer.now, signer=writer.signer
                    ),
                    "discarded_by": act.by,
                    "discarded_at": at,
                    "reason": act.reason,
                    **describe_all(rows),
                }
            )
    return written


def record_execution(
    written: Recording, rows: Sequence[OutboxRow], act: Act, approved: Report | None = None
) -> Report:
    """Write down that notifications are due again.

    Args:
        written: The transaction.
        rows: The notifications as they were before.
        act: Who replayed them, and why.
        approved: What is known of the request that was approved: its id, and both names.
    """
    at = write_instant(written.writer.now)
    facts = approved or {"replay_id": name_replay(act, at, rows), "requested_by": None, "approved_by": None}
    start = start_record(
        REPLAY_EXECUTION_KIND,
        facts["replay_id"],
        created_at=written.writer.now,
        signer=written.writer.signer,
    )
    return {
        **start,
        **facts,
        "replayed_by": act.by,
        "replayed_at": at,
        "reason": act.reason,
        **describe_all(rows),
    }


def describe_all(rows: Sequence[OutboxRow]) -> Report:
    """Describe notifications, and the connectors that they belong to."""
    providers = name_providers(rows)
    only = {"provider": providers[0]} if len(providers) == 1 else {}
    return {
        **only,
        "providers": providers,
        "notification_count": len(rows),
        "notifications": describe_rows(rows),
    }


def name_replay(act: Act, at: str, rows: Sequence[OutboxRow]) -> str:
    """Name what somebody does to notifications at a time."""
    return ids.replay_id(act.by, at, "\x1f".join(each.notification_id for each in rows))
