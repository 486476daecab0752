"""The reads of the evidence: who was notified, who was not and why, and what is open."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Query as QueryParameters
from starlette.responses import Response

from rollback_drills.database.tables import LEDGER, OUTBOX
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outages.listing import (
    OutageFilter,
    OutagePage,
    find_outages,
)
from rollback_drills.followup.dashboard import Dashboard
from rollback_drills.followup.dashboard_reading import read_dashboard
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.recovery.found_replays import ReplayReport, list_replays
from rollback_drills.reports.explained import Explained, explain_subject
from rollback_drills.reports.filters import NotificationFilter, RouteFilter
from rollback_drills.reports.known_names import add_notes
from rollback_drills.reports.notifications import NotificationRow, find_notifications
from rollback_drills.reports.paging import HistoryPage
from rollback_drills.reports.period import Period, trend_period
from rollback_drills.reports.routes import RouteRow, find_routes
from rollback_drills.reports.trend import Trend, find_trend
from rollback_drills_api.built_metadata import BuiltMetadata, describe_built
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import reading
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.queries import (
    ExplanationQuery,
    NotificationQuery,
    OutageQuery,
    Page,
    RouteQuery,
    TrendQuery,
    nothing_asked,
)
from rollback_drills_api.service import Readable, Served, Service

PREFIX = "/runtime/go-pilot/rollback-drill-notifications"

router = APIRouter(prefix=PREFIX, tags=["looking back"])

Reader = Annotated[str, Depends(reading)]


class ReplayPage(msgspec.Struct, frozen=True, gc=False):
    """A page of requests for replays."""

    generated_at: str
    items: list[ReplayReport]
    total: int
    limit: int
    offset: int


class TrendAnswer(msgspec.Struct, frozen=True, gc=False):
    """A suppression trend, and what would be its index record."""

    trend: Trend
    metadata: BuiltMetadata


@router.get("", responses=described("notifications"))
async def notifications(
    served: Readable, wanted: Annotated[NotificationQuery, QueryParameters()]
) -> Response:
    """List every notification and what became of it, the newest first."""

    def find() -> HistoryPage[NotificationRow]:
        names = ("schedule_id", "cycle_id", "provider", "owner", "reason", "state")
        matching = NotificationFilter(**{name: getattr(wanted, name) for name in names})
        period = Period(*wanted.bounds())
        database = served.database()
        page = find_notifications(database, matching, period, limit=wanted.limit, offset=wanted.offset)
        return add_notes(page, database, OUTBOX, matching.given)

    return await served.answers.give(("notifications", wanted.key), served.evidence_version, find)


@router.get("/dashboard", dependencies=[nothing_asked], responses=described("dashboard"))
async def dashboard(served: Readable) -> Response:
    """Show the open cycles, the acknowledgements that are outstanding, and the connectors that fail."""
    return await served.answers.give("dashboard", served.follow_up_version, lambda: find_dashboard(served))


@router.get("/outages", responses=described("outages"))
async def outages(served: Readable, wanted: Annotated[OutageQuery, QueryParameters()]) -> Response:
    """List outages of connectors, the open ones first: what waited, who replayed and discarded what."""

    def find() -> OutagePage:
        matching = OutageFilter(wanted.provider, wanted.is_open)
        now = datetime.now(UTC)
        return find_outages(served.database(), matching, now=now, limit=wanted.limit, offset=wanted.offset)

    return await served.answers.give(("outages", wanted.key), served.evidence_version, find)


@router.get("/replays", responses=described("replays"))
async def replays(served: Readable, wanted: Annotated[Page, QueryParameters()]) -> Response:
    """List requests for replays and what became of each, the newest first."""

    def find() -> ReplayPage:
        database, now = served.database(), datetime.now(UTC)
        found = list_replays(database, now=now) if database else []
        shown = found[wanted.offset : wanted.offset + wanted.limit]
        return ReplayPage(write_instant(now), shown, len(found), wanted.limit, wanted.offset)

    return await served.answers.give(("replays", wanted.key), served.evidence_version, find)


@router.get("/routes", responses=described("routes"))
async def routes(served: Readable, wanted: Annotated[RouteQuery, QueryParameters()]) -> Response:
    """List every route decision, the newest first: who was to be notified, who was not, and why."""

    def find() -> HistoryPage[RouteRow]:
        names = ("schedule_id", "provider", "owner", "action", "category")
        matching = RouteFilter(**{name: getattr(wanted, name) for name in names})
        period = Period(*wanted.bounds())
        database = served.database()
        page = find_routes(database, matching, period, limit=wanted.limit, offset=wanted.offset)
        return add_notes(page, database, LEDGER, matching.given)

    return await served.answers.give(("routes", wanted.key), served.evidence_version, find)


@router.get("/suppression-trends", responses=described("trend"))
async def suppression_trends(
    served: Served, caller: Reader, wanted: Annotated[TrendQuery, QueryParameters()]
) -> Response:
    """Count suppressed notifications by ISO week, and why; nothing is written."""
    generated_by = name_caller(caller, wanted.generated_by)

    def find() -> TrendAnswer:
        now = datetime.now(UTC)
        period = trend_period(*wanted.bounds(), wanted.weeks, now=now)
        matching = RouteFilter(wanted.schedule_id, wanted.provider, wanted.owner, category=wanted.category)
        trend = find_trend(served.database(), matching, period, now=now, generated_by=generated_by)
        return TrendAnswer(trend, describe_built(trend, trend.trend_id))

    return await served.answers.give(("trend", generated_by, wanted.key), served.evidence_version, find)


@router.get("/explanation", responses=described("explanation", 404))
async def explanation(served: Readable, wanted: Annotated[ExplanationQuery, QueryParameters()]) -> Response:
    """Explain one schedule at any time: drills, due time, rules, and what the evidence says."""

    def find() -> Explained:
        fleet = served.fleet.judged()
        if wanted.schedule_id is None and len(fleet.subjects) > 1:
            raise UsageError("is missing; there are several schedules", field="schedule_id")
        place = fleet.find_place(wanted.schedule_id) if wanted.schedule_id is not None else 0
        return explain_subject(
            fleet.subjects[place],
            served.database(),
            fleet.criteria,
            now=wanted.instant(now=fleet.at),
            owner=wanted.owner,
            provider=wanted.provider,
        )

    return await served.answers.give(("explanation", wanted.key), served.version, find)


def find_dashboard(served: Service) -> Dashboard:
    """Build the dashboard of this moment."""
    now = datetime.now(UTC)
    database = served.database()
    cycles = read_open_cycles(database, now=now) if database else []
    rules = served.find_rules(database, cycles)
    return read_dashboard(database, cycles, rules, now=now, generated_by="api")
