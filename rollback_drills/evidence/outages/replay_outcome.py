"""Writes down what came of a replay, when each of its notifications was tried again or needs it no more."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, select

from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX
from rollback_drills.documents.utc import write_instant, write_seconds
from rollback_drills.evidence.outages.acts import ExecutionRecord
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import REPLAY_OUTCOME_KIND
from rollback_drills.notifications.states import DEAD, NOTIFIED, WAITING, State
from rollback_drills.redaction.computed import Computed

_UNSETTLED: Final = (*WAITING, State.SENDING)


class TriedAgain(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What came of one notification; all that is known of one that is gone is its id."""

    notification_id: Computed
    provider: str | UnsetType = UNSET
    outcome: str
    """Its state, or `missing`."""
    attempt_count: int
    completed_at: Computed | UnsetType | None = UNSET
    detail: str | UnsetType = UNSET


class ReplayOutcomeRecord(Record, frozen=True, kw_only=True, gc=False, tag=REPLAY_OUTCOME_KIND):
    """What came of a replay, as the evidence has it."""

    replay_id: Computed
    delivery_success: bool
    delivered_count: int
    waiting_count: int
    dead_letter_count: int
    attempt_count: int
    notifications: Sequence[TriedAgain]


def record_replay_outcome(
    connection: Connection, replay: ExecutionRecord, *, created_at: datetime, signer: str
) -> ReplayOutcomeRecord | None:
    """Write down what came of a replay; None while one of its notifications was not tried again yet."""
    rows = {row.notification_id: row for row in _read(connection, replay)}
    before = {each.notification_id: each.attempt_count for each in replay.notifications}
    if any(_waits(row, before[name]) for name, row in rows.items()):
        return None
    outcomes = [_describe(name, count, rows.get(name)) for name, count in before.items()]
    states = [each.outcome for each in outcomes]
    return ReplayOutcomeRecord(
        session_id=replay.replay_id,
        created_at=write_instant(created_at),
        signer=signer,
        replay_id=replay.replay_id,
        delivery_success=all(each in NOTIFIED for each in states),
        delivered_count=sum(each in NOTIFIED for each in states),
        waiting_count=sum(each in _UNSETTLED for each in states),
        dead_letter_count=sum(each in DEAD for each in states),
        attempt_count=sum(each.attempt_count for each in outcomes),
        notifications=outcomes,
    )


def _read(connection: Connection, replay: ExecutionRecord) -> Iterator[Row[Any]]:
    names = ("notification_id", "provider", "state", "attempt_count", "completed_at", "detail")
    ids = [each.notification_id for each in replay.notifications]
    some = one_of(OUTBOX.c.notification_id, ids)
    yield from connection.execute(select(*(OUTBOX.c[name] for name in names)).where(some))


def _waits(row: Row[Any], attempts_before: int) -> bool:
    return row.state in _UNSETTLED and row.attempt_count <= attempts_before


def _describe(notification_id: str, attempts_before: int, row: Row[Any] | None) -> TriedAgain:
    if row is None:
        return TriedAgain(notification_id=notification_id, outcome="missing", attempt_count=0)
    return TriedAgain(
        notification_id=notification_id,
        provider=row.provider,
        outcome=row.state,
        attempt_count=row.attempt_count - attempts_before,
        completed_at=write_seconds(row.completed_at),
        detail=row.detail,
    )
