"""Reads from the evidence what a flow run did in another process, whose result stays there."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import func, select

from rollback_drills.database.connections import MOST_PARAMETERS, Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.records import CHECK_KIND, DELIVERY_KIND, PLAN_KIND
from rollback_drills.names import ids
from rollback_drills.notifications.notification import EVENT_TYPE
from rollback_drills.notifications.results import Delivery, EventReference, build_result, read_reference
from rollback_drills.outbox.undelivered import find_undelivered
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.terms import Report


def ledger_size(database: Database | None) -> int:
    """Return how many rows the evidence has, or had before their time was over."""
    if database is None:
        return 0
    with database.read() as connection:
        newest = connection.scalar(select(func.max(LEDGER.c.leaf_index)))
    return 0 if newest is None else newest + 1


def collect_delivery(
    database: Database, judgements: list[Judgement], *, since: int, flow_run_id: str
) -> list[Report]:
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
    plans = find_newest_plans(database, list(by_name))
    told = {
        record["plan_id"]: record
        for record in collect(database, DELIVERY_KIND, since=since, flow_run_id=flow_run_id)
    }
    left: dict[str, list[Delivery]] = defaultdict(list)
    for each in find_undelivered(database, by_name, None, now=time.time()).deliveries:
        left[each.notification.schedule_id].append(each)
    return [
        _to_result(by_name[name], plan, told.get(plan["plan_id"]), left[name])
        for plan in plans
        if (name := plan["schedule_id"]) in by_name
    ]


def _to_result(judgement: Judgement, plan: Report, told: Report | None, left: Sequence[Delivery]) -> Report:
    delivery = told["delivery"] if told else build_result(_refer_to_event(plan), left).to_wire()
    return {
        "schedule": judgement.schedule_report,
        "plan": plan["plan"],
        "delivery": delivery,
        "plan_metadata": plan,
        "metadata": told,
        "success": delivery["success"],
        "event_id": delivery["event_id"],
    }


def _refer_to_event(plan: Report) -> EventReference:
    """Return the reference of the event that the run built from a plan."""
    plan_id = plan["plan_id"]
    return read_reference(
        {
            **plan,
            "event_id": ids.event_id(plan_id),
            "event_type": EVENT_TYPE,
            "session_id": ids.delivery_session_id(plan["schedule_id"], plan_id),
            "generated_at": plan["plan"]["generated_at"],
        }
    )


def find_newest_plans(database: Database, schedule_ids: Sequence[str]) -> list[Report]:
    """Return the newest plan of each schedule: a run records those that changed or notified somebody."""
    newest = select(func.max(LEDGER.c.leaf_index)).where(LEDGER.c.metadata_kind == PLAN_KIND)
    found: dict[str, Report] = {}
    with database.read() as connection:
        for start in range(0, len(schedule_ids), MOST_PARAMETERS):
            some = LEDGER.c.schedule_id.in_(schedule_ids[start : start + MOST_PARAMETERS])
            rows = newest.where(some).group_by(LEDGER.c.schedule_id)
            texts = connection.scalars(select(LEDGER.c.record).where(LEDGER.c.leaf_index.in_(rows)))
            found |= {record["schedule_id"]: record for record in map(msgspec.json.decode, texts)}
    return [found[name] for name in schedule_ids if name in found]


def collect(database: Database, kind: str, *, since: int, flow_run_id: str) -> list[Report]:
    """Return the records of a kind that a flow run wrote, of those that were written after some row."""
    statement = select(LEDGER.c.record).where(LEDGER.c.leaf_index >= since, LEDGER.c.metadata_kind == kind)
    with database.read() as connection:
        texts = connection.scalars(statement.order_by(LEDGER.c.leaf_index)).all()
    records: Iterable[Report] = map(msgspec.json.decode, texts)
    return [each for each in records if each.get("flow_run_id") == flow_run_id]
