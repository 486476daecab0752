"""What the evidence says about one schedule at a time: the last plan, and what was delivered."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.checks.plans_in_force import IS_CHECK
from rollback_drills.evidence.index import LedgerRow, iterate_records, read
from rollback_drills.evidence.record_kinds import PLAN_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.evidence.recorded_plan import RecordedPlan
from rollback_drills.names.keys import is_same
from rollback_drills.names.spellings import find_spellings_by_index
from rollback_drills.planning.category import Category
from rollback_drills.planning.explanation import RouteExplanation

_NOTIFIED = (Category.DELIVER, Category.ALREADY_NOTIFIED)


class PastDecision(msgspec.Struct, frozen=True, gc=False):
    """What was decided for one route."""

    provider: str
    owner: str
    action: str
    category: str
    reason: str
    deferred_until: str | None


class PastDelivery(msgspec.Struct, frozen=True, gc=False):
    """What became of a notification."""

    row: int
    at: str
    provider: str
    owner: str
    outcome: str
    detail: str


class PastCheck(msgspec.Struct, frozen=True, gc=False):
    """What was recorded about a schedule up to a time."""

    plan_row: int
    planned_at: str
    """When the plan was recorded; it holds until another one is."""
    session_id: str
    status: str
    cycle_id: str
    decisions: tuple[PastDecision, ...]
    deliveries: tuple[PastDelivery, ...]
    """Of the same cycle, up to that time, the earliest first."""
    last_check_row: int | None
    last_check_at: str | None
    """When a check looked last, whatever it was about."""


class _Delivery(LedgerRow, frozen=True, gc=False):
    created_at: str
    provider: str
    owner: str
    outcome: str = ""
    detail: str = ""
    error: str = ""


def find_past_check(database: Database, schedule_id: str, at: datetime) -> PastCheck | None:
    """Return what the evidence says about a schedule at a time; None if it says nothing.

    Raises:
        DatabaseError: The database cannot be read, or a row of it is damaged.
    """
    before = LEDGER.c.created_at < write_instant(at + timedelta(seconds=1))[:19]
    with database.snapshot() as connection:
        names = find_spellings_by_index(connection, LEDGER.c.schedule_id, [schedule_id])
        of_plans = LEDGER.c.schedule_id.in_(names) & (LEDGER.c.metadata_kind == PLAN_KIND) & before
        row = connection.scalar(select(func.max(LEDGER.c.leaf_index)).where(of_plans))
        if row is None:
            return None
        text = connection.scalar(select(LEDGER.c.record).where(LEDGER.c.leaf_index == row))
        plan = read(row, text or "", RecordedPlan)
        deliveries = tuple(_read_deliveries(connection, plan.cycle_id, before))
        last = select(LEDGER.c.leaf_index, LEDGER.c.created_at).where(IS_CHECK, before)
        checked = connection.execute(last.order_by(LEDGER.c.leaf_index.desc()).limit(1)).first()
    return PastCheck(
        row,
        plan.created_at,
        plan.session_id,
        plan.status,
        plan.cycle_id,
        tuple(
            PastDecision(
                each.provider, each.owner, each.action, each.category, each.reason, each.deferred_until
            )
            for each in plan.plan.route_decisions
        ),
        deliveries,
        checked.leaf_index if checked else None,
        checked.created_at if checked else None,
    )


def _read_deliveries(
    connection: Connection, cycle_id: str, before: ColumnElement[bool]
) -> Iterator[PastDelivery]:
    of_cycle = (LEDGER.c.cycle_id == cycle_id) & (LEDGER.c.metadata_kind == ROUTE_DELIVERY_KIND) & before
    for each in iterate_records(connection, _Delivery, of_cycle):
        yield PastDelivery(
            each.leaf_index,
            each.created_at,
            each.provider,
            each.owner,
            each.outcome,
            each.detail or each.error,
        )


def find_differences(past: PastCheck, routes: tuple[RouteExplanation, ...]) -> Iterator[str]:
    """Yield where the documents of today would have decided otherwise than was recorded."""
    for then in past.decisions:
        now = next((each for each in routes if _is_of_route(each, then)), None)
        place = f"{then.provider} to {then.owner}"
        if now is None:
            yield f"{place}: was decided then, and is no route of today's documents"
        elif _meaning(now.category) != _meaning(then.category):
            yield f"{place}: recorded as {then.category}, and {now.category} by today's documents"
    for now in routes:
        if not any(_is_of_route(now, then) for then in past.decisions):
            yield f"{now.provider} to {now.owner}: is a route of today's documents, and was none then"


def _is_of_route(now: RouteExplanation, then: PastDecision) -> bool:
    return is_same(now.provider, then.provider) and is_same(now.owner, then.owner)


def _meaning(category: str) -> str:
    """Return a category; a repeat that is not due yet means that the owner was notified."""
    return Category.DELIVER if category in _NOTIFIED else category
