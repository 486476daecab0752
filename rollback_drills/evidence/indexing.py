"""Takes the outcomes out of the outbox into the evidence, in the transaction that marks them as taken."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, select, union_all, update

from rollback_drills.database import MOST_PARAMETERS, Database, repeat_on_conflict
from rollback_drills.delivery.results import Delivery
from rollback_drills.delivery.states import State
from rollback_drills.evidence.appending import CLOCK_TOLERANCE, OpenSigningKey, appending
from rollback_drills.evidence.drills import SeenDrills
from rollback_drills.evidence.heads import Head
from rollback_drills.evidence.records import record_deliveries
from rollback_drills.evidence.table import HEADS, LEDGER, PRUNED
from rollback_drills.outbox.item import Item
from rollback_drills.outbox.letters import to_delivery
from rollback_drills.outbox.table import OUTBOX
from rollback_drills.readiness.terms import Report

_RECENT: Final = 200
"""So many transactions are looked at for one that a clock is behind of."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a run added to the ledger."""

    count: int
    head: Head | None
    went_back: timedelta | None
    """How far the clock went back since the last transaction, if that was noticed."""
    behind: timedelta | None = None
    """How far the clock is behind the newest of the recent transactions, if it is too far."""

    @property
    def head_note(self) -> str:
        """The signed head, as it is published; empty if there is none."""
        return str(self.head.note) if self.head else ""


@repeat_on_conflict
def index_run(
    database: Database,
    records: Sequence[Report],
    *,
    created_at: datetime,
    signer: str,
    redact: Callable[[Report], Report],
    open_key: OpenSigningKey,
    drills: Mapping[str, Callable[[], Report]] = MappingProxyType({}),
    flow_run_id: str = "",
) -> Indexed:
    """Append the records of a run, and of every outcome and drill that the evidence does not have yet.

    Outcomes of a run that was killed before it came so far are taken by the next one.

    Args:
        database: Keeps both the ledger and the outbox.
        records: The plans and decisions of the run.
        created_at: The clock of the evidence.
        signer: Who runs, for the records.
        redact: Takes the secrets out of a record.
        open_key: Opens the key that signs the head.
        drills: By the key under which each is written once, how to make the record of a drill.
        flow_run_id: The Prefect flow run that writes; empty outside one.
    """

    def keep(record: Report) -> Report:
        return {**redact(record), "flow_run_id": flow_run_id} if flow_run_id else redact(record)

    with appending(database, open_key) as (connection, appender):
        lags = _find_lags(connection, created_at)
        earlier = drills.find_earlier(connection) if isinstance(drills, SeenDrills) else {}
        unknown = find_unknown(connection, drills, earlier)
        appender.add((keep(drills[key]()) for key in unknown), unknown)
        appender.add(map(keep, records))
        while items := _take(connection):
            appender.add(map(keep, _record(items, created_at=created_at, signer=signer)))
    went_back = appender.went_back or (lags[0] if lags and lags[0] > CLOCK_TOLERANCE else None)
    behind = max(lags, default=timedelta())
    return Indexed(appender.count, appender.head, went_back, behind if behind > CLOCK_TOLERANCE else None)


def _find_lags(connection: Connection, created_at: datetime) -> list[timedelta]:
    """Return how far a clock is behind each of the recent transactions, the last one first."""
    recent = select(HEADS.c.created_at).order_by(HEADS.c.tree_size.desc()).limit(_RECENT)
    return [datetime.fromisoformat(each) - created_at for each in connection.scalars(recent)]


def explain_lag(behind: timedelta) -> str:
    """Explain that the clock of this machine is behind what is in the evidence already."""
    return (
        f"the clock of this machine is {behind} behind the newest evidence, so drills and messages may come"
        " due late; set the clock right"
    )


def explain_clock(went_back: timedelta) -> str:
    """Say that the clock went back; the evidence was written, and says so too."""
    return (
        f"the clock went back by {went_back} since the newest evidence; the evidence was written and says so;"
        " set the clock of this machine right"
    )


def find_unknown(
    connection: Connection,
    once_keys: Iterable[str],
    earlier: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[str]:
    """Return the keys under which nothing was written yet, in their order.

    Args:
        connection: Reads the ledger.
        once_keys: The keys.
        earlier: By key: others under which the same may be written.
    """
    wanted = list(dict.fromkeys(once_keys))
    known = _find_known(connection, [*wanted, *(key for some in earlier.values() for key in some)])
    return [key for key in wanted if key not in known and known.isdisjoint(earlier.get(key, ()))]


def _find_known(connection: Connection, wanted: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(wanted), MOST_PARAMETERS):
        some = wanted[start : start + MOST_PARAMETERS]
        of_rows = (select(table.c.once_key).where(table.c.once_key.in_(some)) for table in (LEDGER, PRUNED))
        known.update(connection.scalars(union_all(*of_rows)))
    return known


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
