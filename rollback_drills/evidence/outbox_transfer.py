"""Takes the outcomes out of the outbox into the evidence, in the transaction that marks them as taken."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, select, union_all, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import HEADS, LEDGER, OUTBOX, PRUNED
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.appender import Appender, OpenSigningKey, appending
from rollback_drills.evidence.checks.check_records import record_check
from rollback_drills.evidence.checks.population import NOTHING_CHANGED, Changes, Population
from rollback_drills.evidence.checks.recorded_check import ShardedCheck, open_check
from rollback_drills.evidence.committed_plans import find_taken, take_plans
from rollback_drills.evidence.delivery_records import record_deliveries
from rollback_drills.evidence.drills import SeenDrills
from rollback_drills.evidence.outages.watch import Touched, watch_connectors
from rollback_drills.evidence.outcome_checks import Outcome, read_outcome
from rollback_drills.evidence.record import Keep, R, Record, name_run
from rollback_drills.notifications.results import Delivery, EventReference, read_reference
from rollback_drills.notifications.states import State
from rollback_drills.readiness.acceptance import CLOCK_SKEW
from rollback_drills.redaction.redactor import Redact, redact_each

_ROWS_AT_ONCE: Final = 500
_RECENT: Final = 200
"""So many transactions are looked at for one that a clock is behind of."""


@repeat_on_conflict
def index_run(
    database: Database,
    records: Sequence[Record],
    *,
    created_at: datetime,
    signer: str,
    redact: Redact,
    open_key: OpenSigningKey,
    drills: Mapping[str, Callable[[], Record]] = MappingProxyType({}),
    looked: Population | ShardedCheck | None = None,
    find_lost: Callable[[Changes], Sequence[str]] = lambda _: (),
    flow_run_id: str = "",
) -> Indexed:
    """Append the records of a run, and of every outcome and drill that the evidence does not have yet.

    So is what is new of the connectors: see `evidence.outages.watch`.

    Of a check, the plans are appended that notify somebody or whose findings changed, and in the end one
    record that the whole population was looked at; a shard leaves that record to the check it belongs to.
    Plans and outcomes of a run that was killed before it came so far are taken by a later one.

    Args:
        database: Keeps both the ledger and the outbox.
        records: What the run writes in any case.
        created_at: The clock of the evidence.
        signer: Who runs, for the records.
        redact: Takes the secrets out of a record.
        open_key: Opens the key that signs the head.
        drills: By the key under which each is written once, how to make the record of a drill.
        looked: What a check looked at, or all its shards did; None if the run is no check.
        find_lost: Which schedules nobody looks after any more, by what changed.
        flow_run_id: The Prefect flow run that writes; empty outside one.
    """

    def keep(record: R) -> R:
        return name_run(redact(record), flow_run_id)

    def keep_all(records: Iterable[R]) -> Iterator[R]:
        return (name_run(each, flow_run_id) for each in redact_each(redact, records))

    refused: list[str] = []
    lost: Sequence[str] = ()
    check = open_check(looked, redact) if looked else None
    with appending(database, open_key) as (connection, appender):
        lags = _find_lags(connection, created_at)
        earlier = drills.find_earlier(connection) if isinstance(drills, SeenDrills) else {}
        unknown = find_unknown(connection, drills, earlier)
        appender.add(keep_all(drills[key]() for key in unknown), unknown)
        appender.add(keep_all(records))
        taken, own = find_taken(connection), check.plan_ids if check else frozenset()
        appender.add(map(redact, take_plans(connection, own, created_at, refused.append)))
        if check:
            appender.add(keep_all(check.begin(connection, taken)))
        touched = Touched()
        for outcomes in _take(connection, created_at):
            deliveries = [each.delivery for each in outcomes if each.delivery]
            touched.see(deliveries)
            refused += [_explain_refused(each) for each in outcomes if each.problem]
            appender.add(keep_all(_record(deliveries, created_at=created_at, signer=signer)))
        add_connector_records(connection, appender, touched, keep, created_at=created_at, signer=signer)
        if check and (summary := check.end(connection)):
            lost = find_lost(check.changes)
            record = record_check(summary, check.changes, lost, created_at=created_at, signer=signer)
            appender.add([keep(record)])
    changes = check.changes if check else NOTHING_CHANGED
    went_back = appender.went_back or (lags[0] if lags and lags[0] > CLOCK_SKEW else None)
    behind = max(lags, default=timedelta())
    late = behind if behind > CLOCK_SKEW else None
    return Indexed(
        appender.count, appender.head, went_back, late, refused, changes, lost=lost, first_keys=unknown
    )


def add_connector_records(
    connection: Connection,
    appender: Appender,
    touched: Touched,
    keep: Keep,
    *,
    created_at: datetime,
    signer: str,
) -> None:
    """Add what a look at the connectors finds new: each record once, before the next one is made."""
    for key, record in watch_connectors(connection, touched, created_at=created_at, signer=signer):
        if find_unknown(connection, [key]):
            appender.add([keep(record)], [key])


def _find_lags(connection: Connection, created_at: datetime) -> list[timedelta]:
    """Return how far a clock is behind each of the recent transactions, the last one first."""
    recent = select(HEADS.c.created_at).order_by(HEADS.c.tree_size.desc()).limit(_RECENT)
    with suppress(ValueError, TypeError):  # somebody changed a column; `drills evidence verify` finds it
        return [datetime.fromisoformat(each) - created_at for each in connection.scalars(recent)]
    return []


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
    if not wanted:
        return set()
    of_rows = (select(table.c.once_key).where(one_of(table.c.once_key, wanted)) for table in (LEDGER, PRUNED))
    return set(connection.scalars(union_all(*of_rows)))


def _take(connection: Connection, created_at: datetime) -> Iterator[Sequence[Outcome]]:
    """Return what became of notifications, and mark it as taken, except for what cannot be."""
    unindexed = (
        select(OUTBOX)
        .where(OUTBOX.c.is_indexed.is_(False), OUTBOX.c.state != State.SENDING)
        .order_by(OUTBOX.c.sequence)
        .limit(_ROWS_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    after = -1
    while rows := connection.execute(unindexed.where(OUTBOX.c.sequence > after)).all():
        after = rows[-1].sequence
        outcomes = [read_outcome(row, created_at=created_at) for row in rows]
        good = [each.sequence for each in outcomes if each.delivery]
        connection.execute(update(OUTBOX).where(one_of(OUTBOX.c.sequence, good)).values(is_indexed=True))
        yield outcomes


def _explain_refused(outcome: Outcome) -> str:
    return (
        f"the evidence does not take the outcome of {outcome.notification_id}: {outcome.problem}; if a clock"
        " was wrong, a later run takes it; else somebody changed the outbox: restore the row from a backup"
    )


def _record(deliveries: Iterable[Delivery], *, created_at: datetime, signer: str) -> Iterator[Record]:
    by_event: dict[EventReference, list[Delivery]] = {}
    for delivery in deliveries:
        by_event.setdefault(read_reference(delivery.notification.event), []).append(delivery)
    for event, together in by_event.items():
        yield from record_deliveries(event, together, created_at=created_at, signer=signer)
