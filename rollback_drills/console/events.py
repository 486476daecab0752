"""What happened to a schedule and what will: each record and each date as an event."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from rollback_drills.console.drills import DrillRow
from rollback_drills.console.fleet import FleetRow
from rollback_drills.console.records import ScheduleRecords
from rollback_drills.console.timeline import Event, Lane
from rollback_drills.documents.maintenance_windows import MaintenanceWindow
from rollback_drills.documents.utc import from_seconds
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.reports.audit.audit_document import AcknowledgementRow
from rollback_drills.reports.notifications import NotificationRow

_OCCURRENCES_SHOWN: Final = 3
"""Of a window that recurs."""


def find_events(
    row: FleetRow,
    drills: Sequence[DrillRow],
    records: ScheduleRecords,
    windows: Sequence[MaintenanceWindow],
    *,
    now: datetime,
) -> Iterator[Event]:
    """Yield all that is known of a schedule, in no order; some of it twice.

    Args:
        row: How it stands.
        drills: Its drills.
        records: What the evidence has.
        windows: The maintenance windows of its document; plans may name the same.
        now: From when on those that recur are shown.
    """
    yield from _due_instants(row, records)
    yield from _drills(drills)
    yield from _windows(windows, records, row.schedule_id, now)
    yield from map(_exception, records.exceptions)
    yield from (
        _notification(item, records.runs.get(item.notification_id, ""))
        for item in records.notifications
        if item.state is not State.SUPERSEDED
    )
    yield from map(_acknowledgement, records.acknowledgements)
    yield from (_imported(at, row) for at, row in records.imported)


def _due_instants(row: FleetRow, records: ScheduleRecords) -> Iterator[Event]:
    written = {plan.plan.next_due_at for plan in records.plans}
    written |= {item.cycle_due for item in records.notifications}
    instants = {datetime.fromisoformat(each) for each in written if each}
    for instant in instants | ({row.due_at} if row.due_at else set()):
        current = " (current cycle)" if instant == row.due_at else ""
        yield Event(instant, Lane.DUE, f"drill due{current}")


def _drills(drills: Sequence[DrillRow]) -> Iterator[Event]:
    for each in drills:
        if each.executed_at is not None:
            name = each.drill_id or "without an id"
            said = "accepted" if each.is_accepted else f"not accepted: {'; '.join(each.problems)}"
            session = each.evidence.session_id if each.evidence else ""
            at = each.executed_at.astimezone(UTC)
            yield Event(at, Lane.DRILL, f"drill {name} {said}", not each.is_accepted, evidence=session)


def _windows(
    windows: Sequence[MaintenanceWindow], records: ScheduleRecords, schedule_id: str, now: datetime
) -> Iterator[Event]:
    """Yield the windows of the document, and those that plans have named since."""
    for each in windows:
        names = [name_key(name) for name in each.schedule_ids]
        if not names or name_key(schedule_id) in names:
            for found in islice(each.find_occurrences(now), _OCCURRENCES_SHOWN):
                yield _window(found.window_id, found.start_at, found.end_at, found.reason)
    for plan in records.plans:
        for decision in plan.plan.route_decisions:
            if named := decision.maintenance_window:
                start_at, end_at = map(datetime.fromisoformat, (named.start_at, named.end_at))
                yield _window(named.window_id, start_at, end_at, named.reason)


def _window(window_id: str | None, start_at: datetime, end_at: datetime, reason: str | None) -> Event:
    start, end = (each.astimezone(UTC) for each in (start_at, end_at))
    text = f"maintenance window {window_id or 'without an id'}"
    return Event(start, Lane.PAUSE, f"{text}: {reason}" if reason else text, until=end)


def _exception(record: ExceptionRecord) -> Event:
    remark = f"; {record.approver} remarks: {record.remark}" if record.remark else ""
    return Event(
        record.at,
        Lane.PAUSE,
        f"{record.exception.past} by {record.approver}: {record.reason}{remark}",
        until=record.until,
        evidence=record.session_id,
    )


def _notification(item: OutboxRow, flow_run_id: str) -> Event:
    at = from_seconds(item.completed_at or item.planned_at)
    lane = Lane.ESCALATED if item.reason is Reason.ESCALATED else Lane.TOLD
    is_bad = item.state in {State.PERMANENT, State.DISABLED}
    why = f" ({item.detail})" if is_bad and item.detail else ""
    text = f"{item.reason} to {item.owner} through {item.provider}: {item.state}{why}"
    return Event(at, lane, text, is_bad, flow_run_id=flow_run_id)


def _acknowledgement(record: AcknowledgementRecord) -> Event:
    return Event(
        record.at,
        Lane.ACKNOWLEDGED,
        f"{record.acknowledgement_state} by {record.acknowledged_by}"
        f" for {record.owner} through {record.provider}",
        evidence=record.session_id,
    )


def _imported(at: datetime, row: NotificationRow | AcknowledgementRow) -> Event:
    """Return what another index says; it may leave anything out."""
    through = f" through {row.provider}" if row.provider else ""
    if isinstance(row, AcknowledgementRow):
        who = f" by {row.acknowledged_by}" if row.acknowledged_by else ""
        text = f"{row.acknowledgement_state or 'acknowledged'}{who}{through} (imported, row {row.row})"
        return Event(at, Lane.ACKNOWLEDGED, text)
    why = f" ({row.error})" if row.error else ""
    text = f"notified{through}: {row.state}{why} (imported, row {row.rows[0]})"
    return Event(at, Lane.TOLD, text, not row.success)
