"""The state of the drills where people look anyway: a calendar to subscribe to, and badges."""

from fastapi import APIRouter
from starlette.responses import Response

from rollback_drills.reports.badge import build_badge
from rollback_drills.reports.calendar import build_calendar
from rollback_drills_api.openapi.operations import described_text
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.service import Readable

router = APIRouter(tags=["publishing"], dependencies=[nothing_asked])

_SVG = "image/svg+xml"


@router.get(
    "/calendar.ics",
    response_class=Response,
    responses=described_text("text/calendar", "The due times as an iCalendar file.", "BEGIN:VCALENDAR"),
)
async def calendar(served: Readable) -> Response:
    """Return the next due times of every schedule, and its windows, as an iCalendar file."""

    def build() -> bytes:
        fleet = served.fleet.judged()
        documents = [each.document for each in fleet.subjects]
        return build_calendar(fleet.judgements, documents, now=fleet.at)

    return await served.answers.give("calendar", served.fleet_version, build, "text/calendar")


@router.get(
    "/badges/{schedule_id:path}.svg",
    response_class=Response,
    responses=described_text(_SVG, "The state of a schedule as a badge.", "<svg/>", 404),
)
async def badge(served: Readable, schedule_id: str) -> Response:
    """Draw the state of a schedule as an SVG badge."""
    answer = await served.answers.give(
        ("badge", schedule_id),
        served.fleet_version,
        lambda: build_badge(served.fleet.judged().find(schedule_id)).encode(),
        _SVG,
    )
    # Pages of others show it, and a proxy of images may keep it for as long as it is judged.
    answer.headers["cross-origin-resource-policy"] = "cross-origin"
    answer.headers["cache-control"] = "max-age=60"
    return answer
