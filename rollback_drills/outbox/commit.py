"""Commits notifications to the outbox before anything is sent, and finds what it has of a cycle."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX, OUTBOX_PLANS
from rollback_drills.names.spellings import find_spellings
from rollback_drills.notifications.outbox_entry import CommittedPlan, Departure, Hold, OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import DEAD, UNSENT, WAITING, State
from rollback_drills.outbox.digests import dissolve_digests
from rollback_drills.outbox.insertion import insert_new
from rollback_drills.outbox.rows import OutboxRow, decode_rows, write_notification

_OVER: Final = (*DEAD, State.SUPERSEDED, State.DISCARDED)
"""Nothing will be sent any more, and the last attempt was not taken."""


def find_history(
    database: Database, cycle_ids: Iterable[str], schedule_ids: Iterable[str]
) -> dict[str, list[SentNotification]]:
    """Return, by route key, what was sent in these cycles, and in all open cycles of these schedules.

    The schedules may be spelt otherwise in the outbox.
    """
    cycles = list(dict.fromkeys(cycle_ids))
    found: dict[int, OutboxRow] = {}
    with database.read() as connection:
        is_open = OUTBOX.c.is_closed.is_(False)
        schedules = find_spellings(connection, OUTBOX.c.schedule_id, schedule_ids, is_open)
        for some in (one_of(OUTBOX.c.cycle_id, cycles), is_open & one_of(OUTBOX.c.schedule_id, schedules)):
            rows = connection.execute(select(OUTBOX).where(some))
            found |= {row.sequence: row for row in decode_rows(rows)}
    history: dict[str, list[SentNotification]] = {}
    for sequence in sorted(found):
        item = found[sequence]
        history.setdefault(item.route_key, []).append(item.to_sent_notification())
    return history


def find_open_schedules(database: Database, schedule_ids: Iterable[str]) -> set[str]:
    """Return which of these schedules have an open cycle."""
    is_open = OUTBOX.c.is_closed.is_(False) & one_of(OUTBOX.c.schedule_id, schedule_ids)
    with database.read() as connection:
        return set(connection.scalars(select(OUTBOX.c.schedule_id).where(is_open).distinct()))


@repeat_on_conflict
def commit(
    database: Database,
    entries: Sequence[OutboxEntry],
    departures: Sequence[Departure],
    holds: Sequence[Hold] = (),
    plans: Sequence[CommittedPlan] = (),
    *,
    now: float,
) -> set[str]:
    """Commit notifications, all in one transaction; return the ids of those that this call has added.

    The plans of those are committed with them: the evidence gets them also if the run is killed.

    What another run has committed already is passed over, and so is what would replace a notification that
    has been sent meanwhile: the next run decides again.
    """
    if not entries and not departures and not holds:
        return set()
    with database.write() as connection:
        current = _without_closed(connection, entries)
        kept = [entry for entry in current if _replace(connection, entry.replaces)]
        added = _insert(database, connection, [entry for entry in kept if not _is_promotion(entry)], now)
        added |= _promote(connection, [entry for entry in kept if _is_promotion(entry)], now)
        left = [
            each.route_key for each in departures if _replace(connection, each.replaces, ~OUTBOX.c.may_repeat)
        ]
        # what another run has committed or sent since this one decided stays open: the next run closes it
        _close(connection, left, OUTBOX.c.state.in_(_OVER), ~OUTBOX.c.may_repeat)
        _close(connection, [each.route_key for each in kept if each.closes and each.notification_id in added])
        for hold in holds:
            _hold(connection, hold)
        _keep_plans(
            database, connection, plans, [each for each in kept if each.notification_id in added], now
        )
    return added


def _keep_plans(
    database: Database,
    connection: Connection,
    plans: Sequence[CommittedPlan],
    added: Sequence[OutboxEntry],
    now: float,
) -> None:
    notifying = {each.notification.plan_id for each in added}
    rows = [
        {"plan_id": each.plan_id, "queued_at": now, "is_recorded": False, "records": each.records}
        for each in plans
        if each.plan_id in notifying
    ]
    if rows:
        connection.execute(insert_new(database, OUTBOX_PLANS.c.plan_id), rows)


def _without_closed(connection: Connection, entries: Sequence[OutboxEntry]) -> list[OutboxEntry]:
    """Leave out escalations of cycles that were closed since they were decided."""
    escalated = {entry.cycle_id for entry in entries if entry.reason is Reason.ESCALATED}
    # locked, so that nobody closes one before this transaction has ended
    statement = (
        select(OUTBOX.c.cycle_id)
        .where(one_of(OUTBOX.c.cycle_id, escalated), OUTBOX.c.is_closed.is_(False))
        .order_by(OUTBOX.c.sequence)
        .with_for_update()
    )
    still_open = set(connection.scalars(statement)) if escalated else set()
    return [
        entry for entry in entries if entry.reason is not Reason.ESCALATED or entry.cycle_id in still_open
    ]


def _is_promotion(entry: OutboxEntry) -> bool:
    """Whether the place of the notification was kept while a window or an absence lasted."""
    return entry.reason is Reason.DEFERRED and not entry.is_kept_back


def _replace(
    connection: Connection, notification_ids: Sequence[str], *conditions: ColumnElement[bool]
) -> bool:
    """Replace notifications that were surely not sent and meet the conditions; return whether all were."""
    if not notification_ids:
        return True
    statement = (
        update(OUTBOX)
        .where(OUTBOX.c.notification_id.in_(notification_ids), OUTBOX.c.state.in_(UNSENT), *conditions)
        .values(state=State.SUPERSEDED, due_at=None)
    )
    dissolve_digests(connection, notification_ids)
    return connection.execute(statement).rowcount == len(notification_ids)


def _insert(
    database: Database, connection: Connection, entries: Sequence[OutboxEntry], now: float
) -> set[str]:
    if not entries:
        return set()
    statement = insert_new(database, OUTBOX.c.notification_id).returning(OUTBOX.c.notification_id)
    rows = [_to_row(entry, now) for entry in entries]
    return set(connection.scalars(statement, rows))


def _to_row(entry: OutboxEntry, now: float) -> dict[str, object]:
    """Return the columns of a new row."""
    return {
        "notification_id": entry.notification_id,
        "message_id": entry.notification_id,
        "route_key": entry.route_key,
        "cycle_id": entry.cycle_id,
        "schedule_id": entry.schedule_id,
        "provider": entry.provider,
        "owner": entry.owner,
        "reason": entry.reason,
        "status": entry.status,
        "cycle_due": entry.cycle_due,
        "planned_at": entry.planned_at.timestamp(),
        "queued_at": now,
        "state": State.SUPPRESSED if entry.is_kept_back else State.PENDING,
        "due_at": None if entry.is_kept_back else now,
        "notification": write_notification(entry.notification),
    }


def _promote(connection: Connection, entries: Sequence[OutboxEntry], now: float) -> set[str]:
    names = ("state", "due_at", "notification", "status", "planned_at", "queued_at")
    is_kept = (OUTBOX.c.notification_id == bindparam("its_id")) & (OUTBOX.c.state == State.SUPPRESSED)
    promoted = set()
    for entry in entries:
        row = _to_row(entry, now)
        values = {"its_id": entry.notification_id, **{name: row[name] for name in names}}
        if connection.execute(update(OUTBOX).where(is_kept), values).rowcount:
            promoted.add(entry.notification_id)
    return promoted


def _hold(connection: Connection, hold: Hold) -> None:
    dissolve_digests(connection, [hold.notification_id])
    waits = (OUTBOX.c.notification_id == hold.notification_id) & OUTBOX.c.state.in_(WAITING)
    until = hold.until.timestamp()
    connection.execute(update(OUTBOX).where(waits, OUTBOX.c.due_at < until).values(due_at=until))


def _close(connection: Connection, route_keys: Sequence[str], *conditions: ColumnElement[bool]) -> None:
    if route_keys:
        of_routes = one_of(OUTBOX.c.route_key, route_keys)
        connection.execute(update(OUTBOX).where(of_routes, *conditions).values(is_closed=True))
