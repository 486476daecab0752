"""Claims messages under a lease and records what became of them, in one transaction for both."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, func, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.tables import OUTBOX
from rollback_drills.names.spellings import find_spellings_by_index, keep_texts
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import NOTIFIED, WAITING, State
from rollback_drills.outbox.claim_statements import RECORD, RELEASE, TAKE, TAKE_OVER
from rollback_drills.outbox.destinations import find_destination, note_pause_or_death
from rollback_drills.outbox.leases import is_running
from rollback_drills.outbox.rows import UNREADABLE, UNREADABLE_TEXT, read_notification

_UNREADABLE: Final = {
    "state": State.PERMANENT,
    "due_at": None,
    "claim": "",
    "is_indexed": False,
    "detail": UNREADABLE,
}
"""What becomes of a message that somebody changed, so that it does not hold back all others."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this worker may send once, before its lease runs out."""

    message_id: str
    claim: str
    notifications: tuple[Notification, ...]
    """One, or those of a digest."""
    attempt_count: int
    unanswered_count: int
    """Both with the attempt of a worker whose lease ran out."""
    queued_at: float
    is_uncertain: bool
    """Whether an earlier attempt may have arrived."""
    held_until: float
    """When the lease ends; nothing may be sent that could arrive later."""
    streak_began_at: float | None = None
    """When the streak of the attempt before began; None if there was none."""
    tried_at: float | None = None
    """When the attempt before ended."""
    is_taken_over: bool = False
    """Whether the lease of another worker ran out before it recorded what became of the message."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claimed message. Every field but the last two is a column."""

    message_id: str
    claim: str
    state: State
    due_at: float | None
    attempt_count: int
    unanswered_count: int
    may_repeat: bool
    started_at: float
    """When the streak of attempts began."""
    completed_at: float
    status_code: int | None
    detail: str
    external_ref: str
    request: str
    cool_until: float | None = None
    """Nothing is sent to the destination before."""
    size: int = 1
    """How many notifications the message holds."""


@repeat_on_conflict
def settle_and_claim(
    database: Database,
    provider: str,
    results: Sequence[Result],
    wanted: int,
    *,
    claim: str,
    now: float,
    lease_seconds: float,
    is_alone: bool = True,
) -> tuple[list[Claimed], int]:
    """Record results and claim up to so many messages that are due, in one transaction.

    Nothing is claimed for a destination that is cooling down or disabled. A message whose lease ran out is
    claimed after the others, and alone: if its sending kills the process, it kills no other sending.

    Args:
        database: Where the outbox is.
        provider: Whose messages.
        results: What became of messages that were claimed before.
        wanted: How many messages the worker can take.
        claim: A new id of the worker.
        now: The present time.
        lease_seconds: How long the claim holds.
        is_alone: Whether the worker sends nothing else, so that it may take over a message.

    Returns:
        The claimed messages, and for how many notifications the results came too late: their lease had run
        out, and another worker has taken over.
    """
    with database.write() as connection:
        late = _record_results(connection, results) if results else 0
        for each in results:
            if (each.cool_until is not None or each.state is State.DISABLED) and _is_recorded(
                connection, each
            ):
                note_pause_or_death(
                    database,
                    connection,
                    provider,
                    cool_until=each.cool_until,
                    disabled_at=each.completed_at if each.state is State.DISABLED else None,
                    because=each.detail,
                )
        claimed = []
        if wanted and find_destination(connection, provider).takes(now):
            values = {
                "its_provider": provider,
                "now": now,
                "lease_ends": now + lease_seconds,
                "new_claim": claim,
            }
            claimed = _claim(connection, TAKE, {**values, "wanted": wanted})
            if is_alone and not claimed:
                running = _find_running(connection, provider, now) if database.is_on_one_host else []
                claimed = _claim(connection, TAKE_OVER, {**values, "wanted": 1, "running": running})
    return claimed, late


def next_attempt_at(database: Database, provider: str) -> float | None:
    """Return when the next attempt of a provider is due; None if nothing waits, or it is disabled."""
    earliest = select(func.min(OUTBOX.c.due_at)).where(
        OUTBOX.c.provider == provider,
        OUTBOX.c.state.in_(WAITING),
        OUTBOX.c.notification_id == OUTBOX.c.message_id,  # what else is due can never be claimed
    )
    with database.read() as connection:
        due_at: float | None = connection.scalar(earliest)
        destination = find_destination(connection, provider)
    return destination.find_next_attempt(due_at)


def due_providers(database: Database, *, now: float) -> list[str]:
    """Name the providers for which something is due, sorted; one may stand there in several spellings."""
    statement = select(OUTBOX.c.provider).where(OUTBOX.c.due_at <= now).distinct()
    with database.read() as connection:
        return sorted(keep_texts(connection.scalars(statement)))


def find_provider_spellings(database: Database, provider: str) -> list[str]:
    """Return every spelling of a provider that the outbox has; documents may differ in it."""
    with database.read() as connection:
        return find_spellings_by_index(connection, OUTBOX.c.provider, [provider])


def _find_running(connection: Connection, provider: str, now: float) -> list[str]:
    """Return the claims whose lease runs on this host, though its time says that it ended."""
    sent = (OUTBOX.c.provider == provider) & (OUTBOX.c.state == State.SENDING) & (OUTBOX.c.due_at <= now)
    claims = keep_texts(connection.scalars(select(OUTBOX.c.claim).where(sent).distinct()))
    return [each for each in claims if is_running(each, steady_now=time.monotonic())]


def _is_recorded(connection: Connection, result: Result) -> bool:
    """Whether a result was in time: what a worker says that has lost its lease is old news."""
    own = (OUTBOX.c.message_id == result.message_id) & (OUTBOX.c.claim == result.claim)
    return connection.scalar(select(OUTBOX.c.state).where(own).limit(1)) == result.state


def _record_results(connection: Connection, results: Sequence[Result]) -> int:
    """Record what became of messages; return for how many notifications it came too late."""
    recorded = connection.execute(RECORD, [_to_values(each) for each in results]).rowcount
    return sum(each.size for each in results) - recorded


def _claim(connection: Connection, taking: ReturningUpdate[Any], values: Mapping[str, Any]) -> list[Claimed]:
    messages: dict[str, list[Any]] = {}
    for row in sorted(connection.execute(taking, values), key=attrgetter("sequence")):
        messages.setdefault(row.message_id, []).append(row)
    if messages:
        connection.execute(RELEASE, {"claimed": list(messages)})
    read = {name: texts for name, rows in messages.items() if (texts := _read_texts(name, rows))}
    if unreadable := messages.keys() - read.keys():
        connection.execute(update(OUTBOX).where(OUTBOX.c.message_id.in_(unreadable)).values(_UNREADABLE))
        if not read:
            return _claim(connection, taking, values)
    earlier = _earlier_refs(
        connection,
        [row.route_key for name in read for row in messages[name] if row.reason != Reason.FIRST],
    )
    return [
        Claimed(
            message_id,
            values["new_claim"],
            tuple(map(_refer, texts, (earlier.get(row.route_key, "") for row in rows))),
            rows[0].attempt_count,
            rows[0].unanswered_count,
            rows[0].queued_at,
            rows[0].may_repeat,
            values["lease_ends"],
            rows[0].started_at,
            rows[0].completed_at,
            taking is TAKE_OVER,
        )
        for message_id, texts in read.items()
        for rows in [messages[message_id]]
    ]


def _read_texts(message_id: object, rows: Sequence[Any]) -> list[Notification]:
    """Return the notifications of a message; nothing if its id or one of them cannot be read."""
    with suppress(*UNREADABLE_TEXT):
        if isinstance(message_id, str):  # by anything else its outcome may not be found again
            return [read_notification(row.notification) for row in rows]
    return []


def _refer(notification: Notification, earlier_ref: str) -> Notification:
    return replace(notification, earlier_ref=earlier_ref) if earlier_ref else notification


def _earlier_refs(connection: Connection, route_keys: Sequence[str]) -> dict[str, str]:
    """Return, by route, the provider's name of the first item since the route was last closed."""
    if not route_keys:
        return {}
    statement = (
        select(OUTBOX.c.route_key, OUTBOX.c.reason, OUTBOX.c.external_ref)
        .where(OUTBOX.c.route_key.in_(route_keys), OUTBOX.c.state.in_(NOTIFIED))
        .order_by(OUTBOX.c.sequence)
    )
    found: dict[str, str] = {}
    for row in connection.execute(statement):
        if row.reason in (Reason.RESOLVED, Reason.FIRST):  # closed, or opened again
            found.pop(row.route_key, None)
        if row.reason != Reason.RESOLVED and row.external_ref:
            found.setdefault(row.route_key, row.external_ref)
    return found


def _to_values(result: Result) -> dict[str, object]:
    columns = Result.__dataclass_fields__.keys() - {"cool_until", "size"}
    values = {name: getattr(result, name) for name in columns}
    return {**values, "its_message": values.pop("message_id"), "its_claim": values.pop("claim")}
