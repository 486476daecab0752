"""Reads from the evidence what a flow run did in another process, whose result stays there."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, select

from rollback_drills.database import Database
from rollback_drills.delivery.results import build_result
from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.records import ACKNOWLEDGEMENT_KIND, DELIVERY_KIND, PLAN_KIND
from rollback_drills.evidence.table import LEDGER
from rollback_drills.judging import Judgement
from rollback_drills.notification import build_event
from rollback_drills.readiness.terms import Report


def ledger_size(database: Database | None) -> int:
    """Give how many rows the evidence has, or had before their time was over."""
    if database is None:
        return 0
    with database.read() as connection:
        return (connection.scalar(select(func.max(LEDGER.c.leaf_index))) or -1) + 1


def collect_delivery(
    database: Database, judgements: list[Judgement], *, since: int, as_of: datetime
) -> list[Report]:
    """Give the documents of contract §7 for every schedule of a run that judged as of an instant.

    Args:
        database: Keeps the evidence.
        judgements: The schedules as of that instant.
        since: The rows that the evidence had before the run.
        as_of: The instant.
    """
    by_name = {each.cycle.schedule_id: each for each in judgements}
    generated_at = write_instant(as_of)
    plans = [
        record
        for record in _rows_since(database, since, LEDGER.c.metadata_kind == PLAN_KIND)
        if record["plan"]["generated_at"] == generated_at and record["schedule_id"] in by_name
    ]
    told = {
        record["plan_id"]: record
        for record in _rows_since(database, since, LEDGER.c.metadata_kind == DELIVERY_KIND)
    }
    return [_to_result(by_name[plan["schedule_id"]], plan, told.get(plan["plan_id"])) for plan in plans]


def _to_result(judgement: Judgement, plan: Report, told: Report | None) -> Report:
    event = build_event(judgement.schedule, plan["plan"])
    delivery = told["delivery"] if told else build_result(event, ())
    return {
        "schedule": judgement.schedule,
        "plan": plan["plan"],
        "delivery": delivery,
        "plan_metadata": plan,
        "metadata": told,
        "success": delivery["success"],
        "event_id": event["event_id"],
    }


def collect_acknowledgements(
    database: Database, *, since: int, signer: str, route_keys: Collection[str]
) -> list[Report]:
    """Give the acknowledgements of some routes by one signer that were written down after some row."""
    found = _rows_since(database, since, LEDGER.c.metadata_kind == ACKNOWLEDGEMENT_KIND)
    return [each for each in found if each["signer"] == signer and each["route_key"] in route_keys]


def _rows_since(database: Database, since: int, condition: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    statement = select(LEDGER.c.record).where(LEDGER.c.leaf_index >= since, condition)
    with database.read() as connection:
        texts = connection.scalars(statement.order_by(LEDGER.c.leaf_index)).all()
    yield from map(msgspec.json.decode, texts)
