"""The reads of the documents: drill history, drill schedule, what is coming, production readiness."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter
from fastapi import Query as QueryParameters
from starlette.responses import Response

from rollback_drills.documents.utc import write_instant
from rollback_drills.gate.production_readiness import (
    ProductionReadiness,
    production_readiness,
    readiness_page,
)
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import HistoryReport, ScheduleReport
from rollback_drills.reports.upcoming import UpcomingPage, find_period, list_upcoming
from rollback_drills_api.fleet import JudgedFleet
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.queries import FleetPage, FleetQuery, UpcomingQuery
from rollback_drills_api.service import Readable

router = APIRouter(tags=["readiness"])


class FleetReports(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A page of the reports of several schedules."""

    schema_version: str = "rollback-drills.fleet.v1"
    generated_at: str
    items: list[HistoryReport | ScheduleReport]
    total: int
    limit: int
    offset: int


WantedSchedules = Annotated[FleetQuery, QueryParameters()]


@router.get("/runtime/go-pilot/rollback-drills", responses=described("history"))
async def drill_history(served: Readable, wanted: WantedSchedules) -> Response:
    """Return the history report of the schedule; of several, a page of them."""
    return await served.answers.give(
        ("history", wanted.key),
        served.fleet_version,
        lambda: _write(served.fleet.judged(), wanted, lambda each: each.history_report),
    )


@router.get("/runtime/go-pilot/rollback-drill-schedule", responses=described("schedule"))
async def drill_schedule(served: Readable, wanted: WantedSchedules) -> Response:
    """Return the schedule report of the schedule; of several, a page of them."""
    return await served.answers.give(
        ("schedule", wanted.key),
        served.fleet_version,
        lambda: _write(served.fleet.judged(), wanted, lambda each: each.schedule_report),
    )


@router.get("/runtime/go-pilot/rollback-drill-schedule/upcoming", responses=described("upcoming", 404))
async def upcoming(served: Readable, wanted: Annotated[UpcomingQuery, QueryParameters()]) -> Response:
    """List what is coming, the earliest first: due times, maintenance windows, and absences of owners."""

    def find() -> UpcomingPage:
        fleet = served.fleet.judged()
        every = range(len(fleet.judgements))
        places = every if wanted.schedule_id is None else [fleet.find_place(wanted.schedule_id)]
        return list_upcoming(
            [fleet.judgements[place] for place in places],
            [fleet.subjects[place].document for place in places],
            find_period(*wanted.bounds(), now=fleet.at),
            now=fleet.at,
            owner=wanted.owner or "",
            limit=wanted.limit,
            offset=wanted.offset,
        )

    return await served.answers.give(("upcoming", wanted.key), served.fleet_version, find)


@router.get("/deployment/production-readiness", responses=described("readiness"))
async def readiness(served: Readable, wanted: Annotated[FleetPage, QueryParameters()]) -> Response:
    """Return whether production may rely on the rollback: the two drill checks of every schedule.

    The status is that of all schedules. Of several schedules, it returns a page of checks: those that
    block come first.
    """
    return await served.answers.give(
        ("readiness", wanted.key),
        served.fleet_version,
        lambda: _write_readiness(served.fleet.judged(), wanted),
    )


def _write_readiness(fleet: JudgedFleet, wanted: FleetPage) -> ProductionReadiness:
    if fleet.is_single:
        return production_readiness(fleet.judgements)
    return readiness_page(fleet.judgements, limit=wanted.limit, offset=wanted.offset)


def _write(
    fleet: JudgedFleet, wanted: FleetQuery, part: Callable[[Judgement], HistoryReport | ScheduleReport]
) -> HistoryReport | ScheduleReport | FleetReports:
    if wanted.schedule_id is not None:
        return part(fleet.find(wanted.schedule_id))
    if fleet.is_single:
        return part(fleet.judgements[0])
    return FleetReports(
        generated_at=write_instant(fleet.at),
        items=[part(each) for each in fleet.judgements[wanted.offset : wanted.offset + wanted.limit]],
        total=len(fleet.judgements),
        limit=wanted.limit,
        offset=wanted.offset,
    )
