"""What people do with the outbox: look, replay, discard, enable a connector; and what the evidence takes."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX
from rollback_drills.names.spellings import find_spellings_by_index, match
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import UNCERTAIN, WAITING, State
from rollback_drills.outbox.digests import dissolve_digests
from rollback_drills.outbox.rows import (
    UNREADABLE,
    UNREADABLE_TEXT,
    OutboxRow,
    decode_rows,
    read_notification,
)

REPLAYABLE = (State.PERMANENT, State.DISABLED, State.DISCARDED, State.RETRY, State.AMBIGUOUS)
"""What a person can make due again."""
_DISCARDABLE = (State.PENDING, State.RETRY, State.AMBIGUOUS, State.PERMANENT, State.DISABLED)
_MAY_HAVE_ARRIVED = or_(OUTBOX.c.may_repeat, OUTBOX.c.state.in_(UNCERTAIN), OUTBOX.c.unanswered_count > 0)
_UNKNOWN: Final = datetime.fromtimestamp(0, UTC)
_OUTCOMES = {
    State.DELIVERED: Outcome.DELIVERED,
    State.ACCEPTED: Outcome.ACCEPTED,
    State.AMBIGUOUS: Outcome.AMBIGUOUS,
    State.PERMANENT: Outcome.PERMANENT,
    State.DISABLED: Outcome.DISABLED,
}


@dataclass(frozen=True, slots=True)
class OutboxFilter:
    """Which notifications are wanted; empty matches everything."""

    states: Collection[State] = ()
    provider: str | None = None
    owner: str | None = None
    schedule_ids: Collection[str] = ()
    cycle_id: str | None = None

    def to_sql(self, connection: Connection) -> list[ColumnElement[bool]]:
        """Return the conditions; names match in any spelling."""
        conditions: list[ColumnElement[bool]] = []
        if self.states:
            conditions.append(OUTBOX.c.state.in_(list(self.states)))
        if self.schedule_ids:
            ids = find_spellings_by_index(connection, OUTBOX.c.schedule_id, self.schedule_ids)
            conditions.append(OUTBOX.c.schedule_id.in_(ids))
        wanted = {"cycle_id": self.cycle_id, "provider": self.provider, "owner": self.owner}
        given = [(name, value) for name, value in wanted.items() if value is not None]
        return match(connection, OUTBOX, given, *conditions)


def find_rows(
    database: Database, wanted: OutboxFilter, *, limit: int = 100, offset: int = 0
) -> tuple[list[OutboxRow], int]:
    """Return the newest notifications that match, and how many match altogether."""
    with database.read() as connection:
        conditions = wanted.to_sql(connection)
        page = select(OUTBOX).where(*conditions).order_by(OUTBOX.c.sequence.desc())
        page = page.limit(limit).offset(offset)
        total = connection.scalar(select(func.count()).select_from(OUTBOX).where(*conditions))
        return [*decode_rows(connection.execute(page))], total or 0


def find_ids(database: Database, states: Collection[State], provider: str | None) -> list[str]:
    """Return the ids of all notifications in some states, of one provider or of all, the oldest first."""
    with database.read() as connection:
        conditions = OutboxFilter(states, provider).to_sql(connection)
        statement = select(OUTBOX.c.notification_id).where(*conditions).order_by(OUTBOX.c.sequence)
        return list(connection.scalars(statement))


def get_row(database: Database, notification_id: str) -> OutboxRow | None:
    """Return one notification.

    Raises:
        DatabaseError: Its row cannot be read.
    """
    with database.read() as connection:
        row = connection.execute(
            select(OUTBOX).where(OUTBOX.c.notification_id == notification_id)
        ).one_or_none()
        return OutboxRow.from_row(row) if row else None


def replay_rows(connection: Connection, notification_ids: Sequence[str], *, now: float) -> list[OutboxRow]:
    """Make notifications due again that are dead, discarded or waiting; return them as they were before.

    One that may have arrived before says so when it is sent again.
    """
    values = {
        "state": State.RETRY,
        "due_at": now,
        "queued_at": now,
        "unanswered_count": 0,
        "may_repeat": _MAY_HAVE_ARRIVED,
    }
    return _change(connection, notification_ids, REPLAYABLE, values)


def discard_rows(connection: Connection, notification_ids: Sequence[str]) -> list[OutboxRow]:
    """Take notifications out that were not delivered; return them as they were before."""
    values = {
        "state": State.DISCARDED,
        "due_at": None,
        "is_indexed": False,
        "may_repeat": _MAY_HAVE_ARRIVED,
    }
    return _change(connection, notification_ids, _DISCARDABLE, values)


def to_delivery(item: OutboxRow) -> Delivery:
    """Return what became of a notification so far."""
    outcome = _OUTCOMES.get(item.state, Outcome.RETRY)
    request = RequestSummary(*json.loads(item.request)) if item.request else None
    detail = item.detail or "waits for its first attempt"
    verdict = Verdict(outcome, detail, item.status_code, None, item.external_ref, request)
    return Delivery(
        read_notification(item.notification),
        verdict,
        item.attempt_count,
        _instant(item.started_at or item.queued_at),
        _instant(item.completed_at or item.queued_at),
        item.state,
        _instant(item.due_at) if item.state in WAITING and item.due_at and item.attempt_count else None,
    )


def describe_delivery(item: OutboxRow) -> Delivery:
    """Return what became of a notification so far, also of one whose text somebody changed."""
    try:
        return to_delivery(item)
    except (*UNREADABLE_TEXT, LookupError, OverflowError, OSError):
        outcome = _OUTCOMES.get(item.state, Outcome.RETRY)
        return Delivery(
            _stand_in(item), Verdict(outcome, UNREADABLE), item.attempt_count, _UNKNOWN, _UNKNOWN, item.state
        )


def _stand_in(item: OutboxRow) -> Notification:
    """Return a notification of which only what has columns of its own is known."""
    return Notification(
        *(item.notification_id, item.provider, item.owner),
        alert_level="critical",
        title="",
        summary="",
        facts=(),
        acknowledge="",
        schedule_id=item.schedule_id,
        cycle_id=item.cycle_id,
        plan_id="",
        event={},
        reason=item.reason,
        route_key=item.route_key,
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _change(
    connection: Connection,
    notification_ids: Sequence[str],
    allowed: Sequence[State],
    values: Mapping[str, object],
) -> list[OutboxRow]:
    some = one_of(OUTBOX.c.notification_id, notification_ids)
    wanted = some, OUTBOX.c.state.in_(allowed), OUTBOX.c.notification != ""
    rows = connection.execute(select(OUTBOX).where(*wanted).order_by(OUTBOX.c.sequence).with_for_update())
    found = [*decode_rows(rows)]
    if found:
        dissolve_digests(connection, [each.notification_id for each in found])
        connection.execute(update(OUTBOX).where(*wanted).values(**values))
    return found
