"""The notification history of contract §6: one row for each notification, and what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, or_, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.documents.utc import from_seconds, write_instant, write_seconds
from rollback_drills.evidence.delivery_records import DELIVERY_SOURCE
from rollback_drills.evidence.first_records import IMPORTED_FROM
from rollback_drills.evidence.index import NEVER, LedgerRow, iterate_records
from rollback_drills.evidence.record_kinds import DELIVERY_KIND, IMPORT_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.evidence.written_record import WrittenRecord, number_of, object_of, text_of
from rollback_drills.notifications.states import NOTIFIED, WAITING, State
from rollback_drills.outbox.destinations import KnownDestinations, read_destinations
from rollback_drills.outbox.rows import OutboxRow, decode_rows, find_notification
from rollback_drills.reports.filters import NotificationFilter
from rollback_drills.reports.imported import ImportedRecord, iterate_imported
from rollback_drills.reports.paging import HistoryPage, OwnRows, find_page, read_page
from rollback_drills.reports.period import Period

_IS_OF_FIRST_FORMAT: Final = (LEDGER.c.metadata_kind == IMPORT_KIND) & LEDGER.c.record.contains(
    f'"imported_from":"{IMPORTED_FROM}"'
)
NOTIFICATION_HISTORY_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-history.v1"


class NotificationRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One notification of the outbox, or an imported delivery."""

    notification_id: str
    imported: bool
    schedule_id: str
    cycle_id: str
    plan_id: str
    route_key: str
    provider: str
    owner: str
    reason: str
    status: str
    state: State
    success: bool
    planned_at: str
    attempt_count: float | int | None
    started_at: str | None
    completed_at: str | None
    next_attempt_at: str | None
    status_code: float | int | None
    error: str
    external_ref: str
    may_repeat: bool
    rows: Sequence[int]
    """The rows of the ledger that hold its outcomes."""


def find_notifications(
    database: Database | None,
    wanted: NotificationFilter | None = None,
    period: Period | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
) -> HistoryPage[NotificationRow]:
    """Return a page of the notification history, the newest first; see `find_page`."""
    wanted, period = wanted or NotificationFilter(), period or Period()
    return find_page(database, NOTIFICATION_HISTORY_SCHEMA, _read, wanted, period, limit, offset)


def _read(
    connection: Connection, wanted: NotificationFilter, period: Period, limit: int, offset: int
) -> tuple[list[NotificationRow], int]:
    own = OwnRows(
        OUTBOX.c.sequence,
        OUTBOX.c.planned_at,
        [*wanted.to_sql(connection), *_planned_in(period)],
        _place,
        partial(_describe_own, connection),
    )
    return read_page(connection, own, imported_notifications(connection, wanted, period), limit, offset)


def _planned_in(period: Period) -> Iterator[ColumnElement[bool]]:
    if period.since:
        yield OUTBOX.c.planned_at >= period.since.timestamp()
    if period.until:
        yield OUTBOX.c.planned_at < period.until.timestamp()


def _describe_own(connection: Connection, sequences: Sequence[int]) -> dict[int, NotificationRow]:
    items = [*decode_rows(connection.execute(select(OUTBOX).where(one_of(OUTBOX.c.sequence, sequences))))]
    rows = _evidence_rows(connection, sorted({item.cycle_id for item in items}))
    destinations = KnownDestinations(read_destinations(connection))
    next_attempts = {
        item.sequence: destinations.of(item.provider).find_next_attempt(item.due_at)
        for item in items
        if item.state in WAITING
    }
    return {
        item.sequence: _describe(item, rows.get(item.notification_id, ()), next_attempts.get(item.sequence))
        for item in items
    }


class _Original(msgspec.Struct, frozen=True, gc=False):
    notification_id: str = ""


class _Named(LedgerRow, frozen=True, gc=False):
    notification_id: str = ""
    original: _Original | None = None
    """What a record of the first format was."""


def _evidence_rows(connection: Connection, cycle_ids: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """Return, by notification, the rows of the ledger that hold its outcomes."""
    found: dict[str, list[int]] = {}
    of_deliveries = or_(LEDGER.c.metadata_kind == ROUTE_DELIVERY_KIND, _IS_OF_FIRST_FORMAT)
    for each in iterate_records(connection, _Named, one_of(LEDGER.c.cycle_id, cycle_ids), of_deliveries):
        found.setdefault((each.original or each).notification_id, []).append(each.leaf_index)
    return found


def _describe(item: OutboxRow, rows: Sequence[int], next_attempt_at: float | None) -> NotificationRow:
    """Return the row of a notification of the outbox; one without a text that can be read names no plan."""
    notification = find_notification(item) if item.notification else None
    is_notified = item.state in NOTIFIED
    return NotificationRow(
        notification_id=item.notification_id,
        imported=item.is_imported,
        schedule_id=item.schedule_id,
        cycle_id=item.cycle_id,
        plan_id=notification.plan_id if notification else "",
        route_key=item.route_key,
        provider=item.provider,
        owner=item.owner,
        reason=item.reason,
        status=item.status,
        state=item.state,
        success=is_notified,
        planned_at=write_instant(from_seconds(item.planned_at)),
        attempt_count=item.attempt_count,
        started_at=write_seconds(item.started_at),
        completed_at=write_seconds(item.completed_at),
        next_attempt_at=write_seconds(next_attempt_at),
        status_code=item.status_code,
        error="" if is_notified else item.detail,
        external_ref=item.external_ref,
        may_repeat=item.may_repeat,
        rows=rows,
    )


def imported_notifications(
    connection: Connection, wanted: NotificationFilter, period: Period
) -> Iterator[tuple[datetime, NotificationRow]]:
    """Yield the rows of imported deliveries with their instants, without those that the outbox has."""
    taken_over: AbstractSet[str] | None = None
    for record in iterate_imported(connection, DELIVERY_KIND, schedule_id=wanted.schedule_id):
        is_ours = record.original.get("connector_delivery_source") == DELIVERY_SOURCE
        if is_ours and period.contains(record.at):
            taken_over = _find_taken_over(connection) if taken_over is None else taken_over
            described = (
                _describe_imported(record, each)
                for each in _deliveries(record)
                if text_of(each, "notification_id") not in taken_over
            )
            yield from ((record.at, each) for each in described if wanted.matches(each))


def _find_taken_over(connection: Connection) -> AbstractSet[str]:
    """Return the notifications that the upgrade of the first format has put into the outbox."""
    has_no_text = (OUTBOX.c.notification == "") & OUTBOX.c.state.in_(NOTIFIED)
    return set(connection.scalars(select(OUTBOX.c.notification_id).where(has_no_text)))


def _deliveries(record: ImportedRecord) -> Iterator[WrittenRecord]:
    """Yield what a record says of each provider."""
    listed = object_of(record.original, "delivery").get("deliveries")
    if isinstance(listed, list):
        yield from (each for each in listed if isinstance(each, dict))
        return
    failed = record.original.get("failed_providers")
    for name in names if isinstance(names := record.original.get("providers"), list) else ():
        yield {"provider": name, "success": name not in (failed if isinstance(failed, list) else ())}


def _describe_imported(record: ImportedRecord, delivery: WrittenRecord) -> NotificationRow:
    """Return the row of an imported delivery; the record does not name who was notified."""
    original = record.original
    is_notified = delivery.get("success") is True
    return NotificationRow(
        notification_id=text_of(delivery, "notification_id"),
        imported=True,
        **{name: text_of(original, name) for name in ("schedule_id", "cycle_id", "plan_id")},
        **{name: text_of(delivery, name) for name in ("route_key", "provider", "owner", "reason")},
        status=text_of(original, "status"),
        state=State.DELIVERED if is_notified else State.PERMANENT,
        success=is_notified,
        planned_at=write_instant(record.at),
        attempt_count=number_of(delivery, "attempt_count"),
        started_at=text_of(delivery, "started_at") or None,
        completed_at=text_of(delivery, "completed_at") or None,
        next_attempt_at=None,
        status_code=number_of(delivery, "status_code"),
        error="" if is_notified else text_of(delivery, "error"),
        external_ref=text_of(delivery, "external_ref"),
        may_repeat=delivery.get("may_repeat") is True,
        rows=[record.row],
    )


def _place(seconds: Any) -> datetime:
    """Return the time in a column, by which rows are merged; if somebody changed it, the earliest time."""
    try:
        return from_seconds(seconds)
    except (TypeError, ValueError, OverflowError, OSError):
        return NEVER
