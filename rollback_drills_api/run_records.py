"""Reads from the evidence what a flow run did in another process, whose result stays there."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw
from sqlalchemy import func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.index import LedgerRow, read_if_readable
from rollback_drills.evidence.record_kinds import CHECK_KIND, DELIVERY_KIND, PLAN_KIND
from rollback_drills.names import ids
from rollback_drills.notifications.notification import EVENT_TYPE
from rollback_drills.notifications.results import Delivery, EventReference, build_result
from rollback_drills.outbox.undelivered import find_undelivered
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills_api.flow_runs import explain_failure, run_flow
from rollback_drills_api.service import Service


class _Origin(LedgerRow, frozen=True, gc=False):
    """Which flow run wrote a record; empty if none did."""

    flow_run_id: str = ""


class _Plan(LedgerRow, frozen=True, gc=False):
    """What is needed of the record of a plan."""

    schedule_id: str
    cycle_id: str
    plan_id: str
    status: str
    plan: Raw


class _PlanContent(msgspec.Struct, frozen=True, gc=False):
    generated_at: str


class _WrittenPlan(NamedTuple):
    """The record of a plan, and its text."""

    said: _Plan
    text: Raw


class _DeliveryRecord(msgspec.Struct, frozen=True, gc=False):
    """What is needed of the record of deliveries."""

    plan_id: str
    delivery: Raw


class _Delivered(msgspec.Struct, frozen=True, gc=False):
    """What is needed of the result of deliveries."""

    event_id: str
    success: bool


_plan_content: Final = msgspec.json.Decoder(_PlanContent)
_delivery_record: Final = msgspec.json.Decoder(_DeliveryRecord)
_delivered: Final = msgspec.json.Decoder(_Delivered)


class CollectedResult(msgspec.Struct, frozen=True, gc=False):
    """The documents of contract §7 for one schedule, as far as the evidence has them as it has them."""

    schedule: ScheduleReport
    plan: Raw
    delivery: Raw
    plan_metadata: Raw
    metadata: Raw | None
    success: bool
    event_id: str


class CollectedResults(msgspec.Struct, frozen=True, gc=False):
    """Those of several schedules."""

    runs: list[CollectedResult]


def record_by_flow(served: Service, name: str, parameters: Mapping[str, object], kind: str) -> list[Raw]:
    """Run a flow, and return the records of a kind that it wrote, at least one.

    Raises:
        Problem: The run failed.
        UsageError: It refused what it was asked for.
    """
    since = ledger_size(served.database())
    ran = run_flow(served.options, name, parameters)
    database = served.database()
    records = collect(database, kind, since=since, flow_run_id=ran.flow_run_id) if database else []
    if not ran.is_completed or not records:
        raise explain_failure(ran)
    return records


def ledger_size(database: Database | None) -> int:
    """Return how many rows the evidence has, or had before their time was over."""
    if database is None:
        return 0
    with database.read() as connection:
        newest = connection.scalar(select(func.max(LEDGER.c.leaf_index)))
    return 0 if newest is None else newest + 1


def collect(database: Database, kind: str, *, since: int, flow_run_id: str) -> list[Raw]:
    """Return the records of a kind that a flow run wrote, of those that were written after some row."""
    statement = select(LEDGER.c.leaf_index, LEDGER.c.record).where(
        LEDGER.c.leaf_index >= since, LEDGER.c.metadata_kind == kind
    )
    with database.read() as connection:
        rows = connection.execute(statement.order_by(LEDGER.c.leaf_index)).tuples().all()
    return [
        Raw(text.encode())
        for row, text in rows
        if (written := read_if_readable(row, text, _Origin)) and written.flow_run_id == flow_run_id
    ]


def collect_delivery(
    database: Database, judgements: list[Judgement], *, since: int, flow_run_id: str
) -> list[CollectedResult]:
    """Return the documents of contract §7 for every schedule of a run.

    Args:
        database: Keeps the evidence.
        judgements: The schedules as of the instant at which the run judged.
        since: The rows that the evidence had before the run.
        flow_run_id: The run.
    """
    by_name = {each.cycle.schedule_id: each for each in judgements}
    if not collect(database, CHECK_KIND, since=since, flow_run_id=flow_run_id):
        return []  # the run has failed before it came so far
    plans = _find_newest_plans(database, list(by_name))
    recorded = {
        _delivery_record.decode(record).plan_id: record
        for record in collect(database, DELIVERY_KIND, since=since, flow_run_id=flow_run_id)
    }
    left: dict[str, list[Delivery]] = defaultdict(list)
    for each in find_undelivered(database, by_name, None, now=time.time()).deliveries:
        left[each.notification.schedule_id].append(each)
    return [
        _to_result(by_name[name], plan, recorded.get(plan.said.plan_id), left[name])
        for plan in plans
        if (name := plan.said.schedule_id) in by_name
    ]


def _to_result(
    judgement: Judgement, plan: _WrittenPlan, recorded: Raw | None, left: Sequence[Delivery]
) -> CollectedResult:
    if recorded is not None:
        delivery = _delivery_record.decode(recorded).delivery
    else:
        delivery = Raw(msgspec.json.encode(build_result(_refer_to_event(plan.said), left)))
    delivered = _delivered.decode(delivery)
    return CollectedResult(
        schedule=judgement.schedule_report,
        plan=plan.said.plan,
        delivery=delivery,
        plan_metadata=plan.text,
        metadata=recorded,
        success=delivered.success,
        event_id=delivered.event_id,
    )


def _refer_to_event(plan: _Plan) -> EventReference:
    """Return the reference of the event that the run built from a plan."""
    return EventReference(
        schedule_id=plan.schedule_id,
        cycle_id=plan.cycle_id,
        plan_id=plan.plan_id,
        status=plan.status,
        event_id=ids.event_id(plan.plan_id),
        event_type=EVENT_TYPE,
        session_id=ids.delivery_session_id(plan.schedule_id, plan.plan_id),
        generated_at=_plan_content.decode(plan.plan).generated_at,
    )


def _find_newest_plans(database: Database, schedule_ids: Sequence[str]) -> list[_WrittenPlan]:
    """Return the newest plan of each schedule: a run records those that changed or notified somebody."""
    newest = select(func.max(LEDGER.c.leaf_index)).where(LEDGER.c.metadata_kind == PLAN_KIND)
    found: dict[str, _WrittenPlan] = {}
    with database.read() as connection:
        rows = newest.where(one_of(LEDGER.c.schedule_id, schedule_ids)).group_by(LEDGER.c.schedule_id)
        texts = select(LEDGER.c.leaf_index, LEDGER.c.record).where(LEDGER.c.leaf_index.in_(rows))
        for row, text in connection.execute(texts):
            if said := read_if_readable(row, text, _Plan):
                found[said.schedule_id] = _WrittenPlan(said, Raw(text.encode()))
    return [found[name] for name in schedule_ids if name in found]
