"""Reads the facts of open cycles out of the outbox and the evidence."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, select

from rollback_drills.database.alarm_path_rows import is_alarm_path
from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.documents.utc import from_seconds
from rollback_drills.evidence.index import read_all
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord, find_current
from rollback_drills.followup.cycle_facts import CycleFacts, Sent
from rollback_drills.followup.cycle_grouping import group_cycles
from rollback_drills.followup.exceptions.exception import ExceptionRecord, find_latest
from rollback_drills.names.ids import SOURCE_ID
from rollback_drills.names.spellings import find_spellings
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import Suppression
from rollback_drills.notifications.states import WAITING
from rollback_drills.outbox.destinations import Destination, KnownDestinations, read_destinations
from rollback_drills.outbox.rows import OutboxRow, decode_rows

_logger = logging.getLogger(__name__)


def read_open_cycles(
    database: Database, *, now: datetime, schedule_ids: Collection[str] | None = None
) -> list[CycleFacts]:
    """Return every cycle that is open, those that wait longest first.

    Args:
        database: Has the outbox and the evidence.
        now: Which exceptions hold.
        schedule_ids: Only cycles of these schedules; None for all.
    """
    with database.read() as connection:
        items = list(_read_open(connection, schedule_ids))
        cycle_ids = list(dict.fromkeys(item.cycle_id for item in items))
        said, exceptions = _read_followup(connection, cycle_ids)
        destinations = KnownDestinations(read_destinations(connection))
    sent = _find_sent(items, destinations)
    items = [item for item in items if item.sequence in sent]
    return group_cycles(
        items, lambda item: sent[item.sequence], find_current(said), find_latest(exceptions), now=now
    )


def read_alarm_path(database: Database, route_key: str, *, now: datetime) -> CycleFacts | None:
    """Return the drill of an alarm path that a route belongs to; None if it belongs to none.

    Args:
        database: Has the outbox and the evidence.
        route_key: The route.
        now: The instant.
    """
    its = select(OUTBOX.c.cycle_id).where(
        OUTBOX.c.route_key == route_key, is_alarm_path(OUTBOX.c.schedule_id)
    )
    with database.read() as connection:
        rows = connection.execute(
            select(OUTBOX).where(OUTBOX.c.cycle_id.in_(its)).order_by(OUTBOX.c.sequence)
        )
        items = [*decode_rows(rows)]
        said, _ = _read_followup(connection, [item.cycle_id for item in items[:1]])
        destinations = KnownDestinations(read_destinations(connection))
    sent = _find_sent(items, destinations)
    items = [item for item in items if item.sequence in sent]
    # it has no chain: nobody is notified that an owner is silent in a drill
    cycles = group_cycles(
        items, lambda item: replace(sent[item.sequence], event={}), find_current(said), {}, now=now
    )
    return next(iter(cycles), None)


def find_quiet(
    database: Database, cycle_ids: Iterable[str], *, now: datetime
) -> tuple[dict[str, Suppression], dict[str, Suppression]]:
    """Return the last acknowledgement by route key, and the exception that holds by cycle."""
    with database.read() as connection:
        said, exceptions = _read_followup(connection, list(dict.fromkeys(cycle_ids)))
    return (
        {key: Suppression(each.until, each.because) for key, each in find_current(said).items()},
        {
            key: Suppression(each.until, each.because)
            for key, each in find_latest(exceptions).items()
            if each.holds_at(now)
        },
    )


def _read_open(connection: Connection, schedule_ids: Collection[str] | None) -> Iterator[OutboxRow]:
    # A notice of the source is open too, and is no cycle: no drill closes it, and nobody acknowledges it.
    is_meant = OUTBOX.c.is_closed.is_(False) & (OUTBOX.c.schedule_id != SOURCE_ID)
    statement = select(OUTBOX).where(is_meant).order_by(OUTBOX.c.sequence)
    if schedule_ids is None:
        yield from decode_rows(connection.execute(statement))
        return
    is_open = OUTBOX.c.is_closed.is_(False)
    spelt = find_spellings(connection, OUTBOX.c.schedule_id, schedule_ids, is_open)
    yield from decode_rows(connection.execute(statement.where(one_of(OUTBOX.c.schedule_id, spelt))))


def _read_followup(
    connection: Connection, cycle_ids: Sequence[str]
) -> tuple[list[AcknowledgementRecord], list[ExceptionRecord]]:
    of_cycles = one_of(LEDGER.c.cycle_id, cycle_ids)
    return (
        read_all(connection, AcknowledgementRecord, of_cycles),
        read_all(connection, ExceptionRecord, of_cycles),
    )


class _Letter(msgspec.Struct):
    """What is needed of the text of a notification; the decoder passes over the rest of it."""

    event: dict[str, Any]


_Instant = Annotated[datetime, Meta(tz=True)]


class _Step(msgspec.Struct):
    """What the event of an escalation must say."""

    owner: str
    step: Annotated[int, Meta(ge=1)]
    step_due_at: _Instant
    escalated_at: _Instant


class _Event(msgspec.Struct):
    """What the event of a plan must say: somebody may have changed it."""

    session_id: str
    plan_id: str
    title: str
    deferred_until: _Instant | None = None
    escalation: _Step | None = None
    summary: Mapping[str, object] = msgspec.field(default_factory=dict)


_decode: Final = msgspec.json.Decoder(_Letter).decode


def _find_sent(items: Iterable[OutboxRow], destinations: KnownDestinations) -> dict[int, Sent]:
    """Return what the follow-up knows of notifications, by sequence, without those that cannot be read."""
    found: dict[int, Sent] = {}
    for item in items:
        try:
            found[item.sequence] = _to_sent(item, destinations.of(item.provider))
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError, RecursionError):
            _logger.warning(
                "the text of %s in the outbox cannot be read, and is left out; restore its row from a backup",
                item.notification_id,
            )
    return found


def _to_sent(item: OutboxRow, destination: Destination) -> Sent:
    attention_at = destination.find_next_attempt(item.due_at) if item.state in WAITING else item.due_at
    event, step = {}, None
    if item.notification:
        event = _decode(item.notification).event
        step = msgspec.convert(event, _Event).escalation
    sent = Sent(
        item.notification_id,
        item.reason,
        item.status,
        item.state,
        from_seconds(item.planned_at),
        from_seconds(item.queued_at),
        None if item.completed_at is None else from_seconds(item.completed_at),
        None if attention_at is None else from_seconds(attention_at),
        event,
    )
    if item.reason is not Reason.ESCALATED:
        return sent
    if step is None:
        raise LookupError("an escalation without a step")
    return replace(sent, step_of=step.owner, step=step.step)
