"""The routing history of contract §6: one row for each route decision that the evidence holds."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select

from rollback_drills import PRODUCT
from rollback_drills.database.connections import MOST_PARAMETERS, Database
from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.records import DECISION_KIND, PLAN_KIND
from rollback_drills.evidence.table import LEDGER
from rollback_drills.planning.category import Action, Category
from rollback_drills.readiness.terms import Report
from rollback_drills.reports.filters import CATEGORIES, RouteFilter
from rollback_drills.reports.imported import (
    ROWS_AT_ONCE,
    ImportedRecord,
    iterate_imported,
    number_of,
    object_of,
    text_of,
)
from rollback_drills.reports.paging import check_page, newest_page
from rollback_drills.reports.period import Period

ROUTING_HISTORY_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-routing-history.v1"


def find_routes(
    database: Database | None,
    wanted: RouteFilter | None = None,
    period: Period | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
) -> Report:
    """Return a page of the routing history, the newest decision first.

    Args:
        database: Keeps the ledger; None if there is none yet.
        wanted: Which decisions.
        period: When they were written down.
        limit: At most so many.
        offset: Leave out so many of the newest.

    Raises:
        UsageError: The page is none.
        DatabaseError: The database cannot be read.
    """
    wanted, period = wanted or RouteFilter(), period or Period()
    check_page(limit, offset)
    items: list[Report] = []
    total = 0
    if database:
        with database.snapshot() as connection:
            items, total = read_routes(connection, wanted, period, limit=limit, offset=offset)
    return {
        "schema_version": ROUTING_HISTORY_SCHEMA,
        "product": PRODUCT,
        "items": items,
        "total": total,
        "limit": limit,
        "offset": offset,
        "filters": wanted.to_wire(),
        "period": period.to_wire(),
    }


def read_routes(
    connection: Connection, wanted: RouteFilter, period: Period, *, limit: int, offset: int
) -> tuple[list[Report], int]:
    """Return a page of decisions, the newest first, and how many there are altogether."""
    conditions = [*wanted.to_sql(connection), *period.to_sql()]
    imported = sorted(imported_routes(connection, wanted, period), key=lambda each: each[0], reverse=True)
    count = connection.scalar(select(func.count()).select_from(LEDGER).where(*conditions)) or 0
    rows = select(LEDGER.c.leaf_index, LEDGER.c.created_at).where(*conditions)
    newest = rows.order_by(LEDGER.c.leaf_index.desc()).limit(offset + limit)
    own = ((datetime.fromisoformat(row.created_at), row.leaf_index) for row in connection.execute(newest))
    page: list[int | Report] = newest_page(own, imported, limit=limit, offset=offset)
    records = _load(connection, [each for each in page if isinstance(each, int)])
    items = [describe_route(each, records[each]) if isinstance(each, int) else each for each in page]
    return items, count + len(imported)


def iterate_routes(connection: Connection, wanted: RouteFilter, period: Period) -> Iterator[Report]:
    """Yield the rows of all decisions: first the imported ones, then our own, each in their order."""
    for _, route in sorted(imported_routes(connection, wanted, period), key=lambda each: each[0]):
        yield route
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(*wanted.to_sql(connection), *period.to_sql())
    ordered = rows.order_by(LEDGER.c.leaf_index).execution_options(yield_per=ROWS_AT_ONCE)
    for row in connection.execute(ordered):
        yield describe_route(row.leaf_index, msgspec.json.decode(row.record))


def imported_routes(
    connection: Connection, wanted: RouteFilter, period: Period
) -> Iterator[tuple[datetime, Report]]:
    """Yield the rows of imported decisions with their instants."""
    for record in iterate_imported(connection, PLAN_KIND, DECISION_KIND):
        if period.contains(record.at):
            routes = (describe_route(record.row, each, imported=record) for each in _decisions(record))
            yield from ((record.at, route) for route in routes if wanted.matches(route))


def describe_route(row: int, decision: Mapping[str, Any], imported: ImportedRecord | None = None) -> Report:
    """Return the row of a decision.

    Args:
        row: The row of the ledger that holds it.
        decision: Its record, or what a plan of another index says of it.
        imported: The record of the other index.
    """
    window = object_of(decision.get("maintenance_window"))
    availability = object_of(decision.get("owner_availability"))
    action = decision.get("action")
    is_told = action != Action.SUPPRESS
    owner = text_of(decision.get("owner"))
    return {
        "row": row,
        "imported": imported is not None,
        "created_at": write_instant(imported.at) if imported else decision["created_at"],
        **{name: text_of(decision.get(name)) for name in _NAMES},
        "provider": text_of(decision.get("provider")),
        "owner": owner,
        "escalation_owner": text_of(decision.get("escalation_owner")) or owner,
        "action": str(Action.DELIVER if is_told else Action.SUPPRESS),
        "category": str(Category.DELIVER if is_told else _category(decision, window, availability)),
        "reason": text_of(decision.get("reason")),
        "notification_reason": text_of(decision.get("notification_reason")) or None,
        "deferred_until": text_of(decision.get("deferred_until")) or None,
        "acknowledgement_minutes": number_of(decision.get("acknowledgement_minutes")),
        "maintenance_window_id": text_of(window.get("window_id")),
        "maintenance_window_reason": text_of(window.get("reason")),
        "owner_available": availability.get("available") is not False,
        "owner_availability_reason": text_of(availability.get("reason")),
    }


_NAMES: Final = ("route_key", "plan_id", "cycle_id", "schedule_id", "status", "alert_level")


def _category(
    decision: Mapping[str, Any], window: Mapping[str, Any], availability: Mapping[str, Any]
) -> Category:
    """Return why a route was not notified; the reference left that to the reader."""
    given = decision.get("category")
    if given in CATEGORIES and given != Category.DELIVER:
        return Category(given)
    if window:
        return Category.MAINTENANCE_WINDOW
    if availability.get("available") is False:
        return Category.OWNER_CALENDAR
    is_healthy = "healthy" in text_of(decision.get("reason")).lower()
    return Category.HEALTHY_SCHEDULE if is_healthy else Category.OTHER


def _decisions(record: ImportedRecord) -> Iterator[Mapping[str, Any]]:
    """Yield the decisions of a record: itself, or those of a plan whose decisions have no records."""
    original = record.original
    if original["metadata_kind"] == DECISION_KIND:
        yield original
    elif not original.get("cycle_id"):  # a plan with a cycle is one of ours: its decisions have records
        plan = object_of(original.get("plan")) or original
        facts = {name: plan.get(name) or original.get(name) for name in _NAMES}
        decisions = plan.get("route_decisions")
        for each in decisions if isinstance(decisions, list) else ():
            if isinstance(each, dict):
                yield {**facts, **{name: value for name, value in each.items() if value is not None}}


def _load(connection: Connection, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    found = {}
    for start in range(0, len(rows), MOST_PARAMETERS):
        some = LEDGER.c.leaf_index.in_(rows[start : start + MOST_PARAMETERS])
        for row in connection.execute(select(LEDGER.c.leaf_index, LEDGER.c.record).where(some)):
            found[row.leaf_index] = msgspec.json.decode(row.record)
    return found
