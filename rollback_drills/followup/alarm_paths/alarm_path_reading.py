"""Reads the drills of alarm paths out of the outbox, and what the evidence says of them."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from rollback_drills.database.alarm_path_rows import is_alarm_path
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.documents.utc import from_seconds
from rollback_drills.evidence.index import read_all
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.alarm_paths.alarm_path_findings import (
    AlarmPathDrill,
    AlarmPathFinding,
    EventKind,
    RouteEvent,
    find_open,
)
from rollback_drills.followup.alarm_paths.alarm_path_records import AlarmPathRecord
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import NOTIFIED
from rollback_drills.outbox.rows import OutboxRow, decode_rows, find_notification

JUDGED_FOR: Final = timedelta(days=62)
"""How old a drill may be that is judged: that of the month before may still be on its way."""


def read_drills(database: Database, *, now: datetime) -> list[AlarmPathDrill]:
    """Return the drills of the last two months, in the order in which they were committed."""
    recent = (now - JUDGED_FOR).timestamp()
    statement = select(OUTBOX).where(
        is_alarm_path(OUTBOX.c.schedule_id), OUTBOX.c.reason == Reason.FIRST, OUTBOX.c.planned_at > recent
    )
    with database.read() as connection:
        rows = connection.execute(statement.order_by(OUTBOX.c.sequence)).all()
    return [_to_drill(row, sent) for row in decode_rows(rows) if (sent := find_notification(row))]


def read_answered(database: Database) -> set[str]:
    """Return the keys of the routes whose drill was acknowledged."""
    with database.read() as connection:
        return {each.route_key for each in _read_answered(connection)}


def read_recorded(database: Database) -> set[str]:
    """Return the notifications of the drills whose miss is in the evidence already."""
    with database.read() as connection:
        return {each.notification_id for each in read_all(connection, AlarmPathRecord)}


def read_findings(database: Database) -> list[AlarmPathFinding]:
    """Return the routes that reach nobody, as the evidence has them, by owner and provider."""
    with database.read() as connection:
        found = read_all(connection, AlarmPathRecord)
        if not found:
            return []
        answered = _read_answered(connection)
    events = [
        RouteEvent(
            owner=each.owner,
            provider=each.provider,
            kind=each.finding,
            at=datetime.fromisoformat(each.found_at),
            because=each.because,
            cycle_id=each.cycle_id,
        )
        for each in found
    ]
    events += [
        RouteEvent(owner=each.owner, provider=each.provider, kind=EventKind.ACKNOWLEDGED, at=each.at)
        for each in answered
    ]
    return find_open(events)


def _read_answered(connection: Connection) -> list[AcknowledgementRecord]:
    return read_all(connection, AcknowledgementRecord, is_alarm_path(LEDGER.c.schedule_id))


def _to_drill(row: OutboxRow, sent: Notification) -> AlarmPathDrill:
    if row.state in NOTIFIED and row.completed_at is not None:
        asked_at = row.completed_at
    elif row.attempt_count == 0:  # a window or an absence may still hold it back
        asked_at = max(row.queued_at, row.due_at or row.queued_at)
    else:
        asked_at = row.started_at or row.queued_at
    return AlarmPathDrill(
        row.notification_id,
        sent.event.get("session_id", ""),
        row.cycle_id,
        row.route_key,
        row.owner,
        row.provider,
        row.state,
        row.detail,
        from_seconds(row.planned_at),
        from_seconds(asked_at),
    )
