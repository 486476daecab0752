"""Calls of the outbox as runs and workers make them, and the rows that they leave."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

from sqlalchemy import update

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from rollback_drills.names import ids
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.outbox.claims import Claimed, Result, settle_and_claim
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.destinations import enable_rows
from rollback_drills.outbox.digests import form_digests
from rollback_drills.outbox.queries import get_row
from rollback_drills.outbox.replay import discard_rows, replay_rows
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.redaction.redactor import T
from tests.samples.builders import NOW, open_key
from tests.samples.plain_records import as_record, read_plain, start_record

LEASE = 60.0


WEEK = 7 * 24 * 3600.0


def put(database: Database, *entries: OutboxEntry, now: float = 0.0) -> list[str]:
    """Commit entries, and give their ids in the order given."""
    commit(database, entries, [], now=now)
    return [entry.notification_id for entry in entries]


def claim(
    database: Database,
    wanted: int = 100,
    *,
    now: float = 0.0,
    results: Sequence[Result] = (),
    worker: str = "worker",
    provider: str = "webhook",
) -> list[Claimed]:
    """Claim what is due."""
    claimed, _ = settle_and_claim(
        database, provider, results, wanted, claim=worker, now=now, lease_seconds=LEASE
    )
    return claimed


def settle(database: Database, *results: Result, provider: str = "webhook") -> int:
    """Record results; give how many came too late."""
    return settle_and_claim(database, provider, results, 0, claim="", now=0.0, lease_seconds=LEASE)[1]


def make_result(claimed: Claimed, state: State = State.DELIVERED, **changes: Any) -> Result:
    """Make what a worker brings back."""
    known: dict[str, Any] = {
        "due_at": 0.0 if state in WAITING else None,
        "attempt_count": claimed.attempt_count + 1,
        "unanswered_count": claimed.unanswered_count + (state is State.AMBIGUOUS),
        "may_repeat": claimed.is_uncertain,
        "started_at": 1.0,
        "completed_at": 2.0,
        "status_code": 200,
        "detail": "the detail",
        "external_ref": "",
        "request": "",
        "size": len(claimed.notifications),
    }
    return Result(claimed.message_id, claimed.claim, state, **{**known, **changes})


def replay(database: Database, notification_ids: Sequence[str], *, now: float) -> int:
    """Make notifications due again; give how many."""
    with database.write() as connection:
        return len(replay_rows(connection, notification_ids, now=now))


def discard(database: Database, notification_ids: Sequence[str]) -> int:
    """Take notifications out; give how many."""
    with database.write() as connection:
        return len(discard_rows(connection, notification_ids))


def enable(database: Database, provider: str, *, now: float) -> int | None:
    """Use a connector again; give how many notifications are due then, None if it was not disabled."""
    with database.write() as connection:
        rows = enable_rows(connection, provider, now=now)
    return None if rows is None else len(rows)


def force(database: Database, notification_id: str, **values: Any) -> None:
    """Put a row into any state."""
    with database.write() as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.notification_id == notification_id).values(**values))


def get(database: Database, notification_id: str) -> OutboxRow:
    """Return a row."""
    item = get_row(database, notification_id)
    assert item
    return item


def states(database: Database, *ids: str) -> list[State]:
    """Return the states of rows."""
    return [get(database, each).state for each in ids]


def ids_of(claimed: Sequence[Claimed]) -> list[list[str]]:
    """Return the ids of the notifications of each message."""
    return [[each.notification_id for each in message.notifications] for message in claimed]


def make_place(entry: OutboxEntry) -> OutboxEntry:
    """Make the place of a notification that is kept back."""
    its_id = ids.notification_id(entry.route_key, Reason.DEFERRED, 1)
    return replace(entry, notification_id=its_id, reason=Reason.DEFERRED, is_kept_back=True)


def make_promotion(entry: OutboxEntry) -> OutboxEntry:
    """Make what takes the place after the window."""
    place = make_place(entry)
    told = replace(entry.notification, notification_id=place.notification_id, reason=Reason.DEFERRED)
    return replace(place, notification=told, is_kept_back=False)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do something in several threads that start at the same time."""
    barrier = threading.Barrier(count)

    def start(number: int) -> Any:
        barrier.wait(180)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def form_and_claim_at_once(database: Database) -> set[str]:
    """Form one digest while three workers claim single messages; give all that is claimed in the end."""
    is_formed = threading.Event()

    def work(number: int) -> list[Claimed]:
        if number == 0:
            form_digests(database, "webhook", 2_000)
            is_formed.set()
            return []
        found: list[Claimed] = []
        while not is_formed.is_set():
            found += claim(database, 1)
        return found

    claimed = [*chain(*at_once(4, work)), *claim(database, 10_000)]
    return {*chain(*ids_of(claimed))}


def deliver(database: Database, entry: OutboxEntry, ref: str) -> None:
    """Commit a notification and deliver it; the provider calls its item so."""
    put(database, entry)
    (claimed,) = claim(database)
    settle(database, make_result(claimed, external_ref=ref))


def as_it_is(record: T) -> T:
    """Redact nothing."""
    return record


def in_each(redact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let something that redacts one record take several too, as the redactor does."""

    def redact_each(value: Any) -> Any:
        return [redact(each) for each in value] if isinstance(value, list) else redact(value)

    return redact_each


def index(database: Database, records: Sequence[Record] = (), redact: Callable[[Any], Any] = as_it_is) -> int:
    """Take what is new into the evidence."""
    found = index_run(
        database, records, created_at=NOW, signer="me", redact=in_each(redact), open_key=open_key
    )
    return found.count


def route_outcomes(database: Database) -> list[tuple[str, str]]:
    """Return the notifications whose outcomes the evidence has, in its order."""
    records = read_plain(database, ROUTE_DELIVERY_KIND)
    return [(each["notification_id"], each["outcome"]) for each in reversed(records)]


def deliver_all(database: Database, state: State = State.DELIVERED) -> None:
    """Try all that is due."""
    settle(database, *(make_result(each, state) for each in claim(database, 10_000)))


def make_record() -> Record:
    """Make a record of a run."""
    start = start_record("a-plan", "rcd-x", created_at=NOW, signer="me")
    return as_record({**start, "schedule_id": "payments", "cycle_id": "gordcycle-1"})
