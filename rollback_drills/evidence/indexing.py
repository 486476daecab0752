"""Takes the outcomes out of the outbox into the evidence, in the transaction that marks them as taken."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from rollback_drills.database import MOST_PARAMETERS, Database, repeat_on_conflict
from rollback_drills.delivery.results import Delivery
from rollback_drills.delivery.states import State
from rollback_drills.evidence.index import add_records
from rollback_drills.evidence.records import record_deliveries
from rollback_drills.outbox.item import Item
from rollback_drills.outbox.letters import to_delivery
from rollback_drills.outbox.table import OUTBOX
from rollback_drills.readiness.terms import Report


@repeat_on_conflict
def index_run(
    database: Database,
    records: Sequence[Report],
    *,
    created_at: datetime,
    signer: str,
    redact: Callable[[Report], Report],
) -> int:
    """Append the records of a run, and of every outcome that the evidence does not have yet.

    Outcomes of a run that was killed before it came so far are taken by the next one.
    """
    count = 0
    with database.write() as connection:
        count += add_records(connection, map(redact, records))
        while items := _take(connection):
            outcomes = _record(items, created_at=created_at, signer=signer)
            count += add_records(connection, map(redact, outcomes))
    return count


def _take(connection: Connection) -> list[Item]:
    unindexed = (
        select(OUTBOX)
        .where(OUTBOX.c.is_indexed.is_(False), OUTBOX.c.state != State.SENDING)
        .order_by(OUTBOX.c.sequence)
        .limit(MOST_PARAMETERS)
        .with_for_update(skip_locked=True)
    )
    items = [Item.from_row(row) for row in connection.execute(unindexed)]
    if items:
        taken = update(OUTBOX).where(OUTBOX.c.sequence.in_([item.sequence for item in items]))
        connection.execute(taken.values(is_indexed=True))
    return items


def _record(items: Sequence[Item], *, created_at: datetime, signer: str) -> Iterator[Report]:
    by_session: dict[str, list[Delivery]] = {}
    for item in items:
        delivery = to_delivery(item)
        by_session.setdefault(delivery.notification.event["session_id"], []).append(delivery)
    for deliveries in by_session.values():
        event = deliveries[0].notification.event
        yield from record_deliveries(event, deliveries, created_at=created_at, signer=signer)
