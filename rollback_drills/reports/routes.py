"""The routing history of contract §6: one row for each route decision that the evidence holds."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.index import read_row, read_time, read_written
from rollback_drills.evidence.record_kinds import DECISION_KIND, PLAN_KIND
from rollback_drills.evidence.written_record import WrittenRecord, number_of, object_of, text_of
from rollback_drills.planning.category import Action, Category
from rollback_drills.reports.filters import CATEGORIES, RouteFilter
from rollback_drills.reports.imported import ROWS_AT_ONCE, ImportedRecord, iterate_imported
from rollback_drills.reports.paging import HistoryPage, OwnRows, find_page, read_page
from rollback_drills.reports.period import Period

ROUTING_HISTORY_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-routing-history.v1"
_NAMES: Final = ("route_key", "plan_id", "cycle_id", "schedule_id", "status", "alert_level")


class RouteRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One route decision, of this program or imported."""

    row: int
    """The row of the ledger that holds it."""
    imported: bool
    created_at: str
    route_key: str
    plan_id: str
    cycle_id: str
    schedule_id: str
    status: str
    alert_level: str
    provider: str
    owner: str
    escalation_owner: str
    action: Action
    category: Category
    reason: str
    notification_reason: str | None
    deferred_until: str | None
    acknowledgement_minutes: float | int | None
    maintenance_window_id: str
    maintenance_window_reason: str
    owner_available: bool
    owner_availability_reason: str


def find_routes(
    database: Database | None,
    wanted: RouteFilter | None = None,
    period: Period | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
) -> HistoryPage[RouteRow]:
    """Return a page of the routing history, the newest decision first; see `find_page`."""
    wanted, period = wanted or RouteFilter(), period or Period()
    return find_page(database, ROUTING_HISTORY_SCHEMA, read_routes, wanted, period, limit, offset)


def read_routes(
    connection: Connection, wanted: RouteFilter, period: Period, limit: int, offset: int
) -> tuple[list[RouteRow], int]:
    """Return a page of decisions, the newest first, and how many there are altogether."""
    own = OwnRows(
        LEDGER.c.leaf_index,
        LEDGER.c.created_at,
        [*wanted.to_sql(connection), *period.to_sql()],
        read_time,
        partial(describe_routes, connection),
    )
    return read_page(connection, own, imported_routes(connection, wanted, period), limit, offset)


def describe_routes(connection: Connection, rows: Sequence[int]) -> dict[int, RouteRow]:
    """Return the decisions that some rows of the ledger hold, by row."""
    some = one_of(LEDGER.c.leaf_index, rows)
    records = connection.execute(select(LEDGER.c.leaf_index, LEDGER.c.record).where(some)).tuples()
    return {row: _describe(row, record) for row, record in read_written(records)}


def iterate_routes(connection: Connection, wanted: RouteFilter, period: Period) -> Iterator[RouteRow]:
    """Yield the rows of all decisions: first the imported ones, then our own, each in their order."""
    for _, route in sorted(imported_routes(connection, wanted, period), key=lambda each: each[0]):
        yield route
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(*wanted.to_sql(connection), *period.to_sql())
    ordered = rows.order_by(LEDGER.c.leaf_index).execution_options(yield_per=ROWS_AT_ONCE)
    for row in connection.execute(ordered):
        yield _describe(row.leaf_index, read_row(row.leaf_index, row.record))


def imported_routes(
    connection: Connection, wanted: RouteFilter, period: Period
) -> Iterator[tuple[datetime, RouteRow]]:
    """Yield the rows of imported decisions with their instants."""
    for record in iterate_imported(connection, PLAN_KIND, DECISION_KIND):
        if period.contains(record.at):
            yield from ((record.at, route) for route in _describe_imported(record) if wanted.matches(route))


def _describe_imported(record: ImportedRecord) -> Iterator[RouteRow]:
    """Yield the decisions of a record: itself, or those of a plan whose decisions have no records."""
    original = record.original
    if original["metadata_kind"] == DECISION_KIND:
        yield _describe(record.row, original, record)
    elif not original.get("cycle_id"):  # a plan with a cycle is one of ours: its decisions have records
        plan = object_of(original, "plan") or original
        facts = {name: plan.get(name) or original.get(name) for name in _NAMES}
        decisions = plan.get("route_decisions")
        for each in decisions if isinstance(decisions, list) else ():
            if isinstance(each, dict):
                own = {name: value for name, value in each.items() if value is not None}
                yield _describe(record.row, {**facts, **own}, record)


def _describe(row: int, decision: WrittenRecord, imported: ImportedRecord | None = None) -> RouteRow:
    """Return the row of a decision.

    Args:
        row: The row of the ledger that holds it.
        decision: Its record, or what a plan of another index says of it.
        imported: The record of the other index.
    """
    window = object_of(decision, "maintenance_window")
    availability = object_of(decision, "owner_availability")
    is_available = availability.get("available") is not False
    owner, reason = text_of(decision, "owner"), text_of(decision, "reason")
    category = Category.DELIVER
    is_notified = decision.get("action") != Action.SUPPRESS
    if not is_notified:
        category = _find_category(
            decision.get("category"), reason, in_window=bool(window), is_available=is_available
        )
    return RouteRow(
        row=row,
        imported=imported is not None,
        created_at=write_instant(imported.at) if imported else text_of(decision, "created_at"),
        **{name: text_of(decision, name) for name in _NAMES},
        provider=text_of(decision, "provider"),
        owner=owner,
        escalation_owner=text_of(decision, "escalation_owner") or owner,
        action=Action.DELIVER if is_notified else Action.SUPPRESS,
        category=category,
        reason=reason,
        notification_reason=text_of(decision, "notification_reason") or None,
        deferred_until=text_of(decision, "deferred_until") or None,
        acknowledgement_minutes=number_of(decision, "acknowledgement_minutes"),
        maintenance_window_id=text_of(window, "window_id"),
        maintenance_window_reason=text_of(window, "reason"),
        owner_available=is_available,
        owner_availability_reason=text_of(availability, "reason"),
    )


def _find_category(given: object, reason: str, *, in_window: bool, is_available: bool) -> Category:
    """Return why a route was not notified; the reference left that to the reader."""
    if given in CATEGORIES and given != Category.DELIVER:
        return Category(given)
    if in_window:
        return Category.MAINTENANCE_WINDOW
    if not is_available:
        return Category.OWNER_CALENDAR
    return Category.HEALTHY_SCHEDULE if "healthy" in reason.lower() else Category.OTHER
