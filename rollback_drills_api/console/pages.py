"""The console: pages for people below /console, with the same token as everything else."""

import logging
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from rollback_drills.console.links import PrefectLinks, ServedLinks, root_of
from rollback_drills.console.pages import (
    write_acknowledgements,
    write_calendar,
    write_changes,
    write_evidence,
    write_fleet,
    write_missing_documents,
    write_missing_evidence,
    write_trends,
)
from rollback_drills.console.query import FleetQuery, MonthQuery, read_page
from rollback_drills.console.rendering import SERVED_POLICY, Outage, render_outage, stylesheet
from rollback_drills.console.source import NO_EVIDENCE, Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.sentences import capitalize
from rollback_drills_api.http.passing_request import path_of
from rollback_drills_api.http.security import reading
from rollback_drills_api.problems import Problem
from rollback_drills_api.service import Readable, Service

logger = logging.getLogger(__name__)

# They are for people, and no part of what programs are promised.
router = APIRouter(prefix="/console", include_in_schema=False)

Asked = TypeVar("Asked", bound=Hashable)
_HTML: Final = "text/html; charset=utf-8"
_WITHOUT_QUERY: Final = {
    "acknowledgements": write_acknowledgements,
    "changes": write_changes,
    "trends": write_trends,
}
_UNUSABLE: Final = "the database cannot be used; the log of the API says why"


@router.get("")
async def fleet(served: Readable, request: Request) -> Response:
    """Show the fleet at a glance."""
    return await give(served, request, "fleet", lambda: FleetQuery.parse(request.query_params), write_fleet)


@router.get("/calendar")
async def calendar(served: Readable, request: Request) -> Response:
    """Show a month: what is due, which windows are open, and who is absent."""
    return await give(
        served, request, "calendar", lambda: MonthQuery.parse(request.query_params), write_calendar
    )


@router.get("/acknowledgements")
@router.get("/changes")
@router.get("/trends")
async def without_query(served: Readable, request: Request) -> Response:
    """Show a page that takes no query parameter."""
    name = request.url.path.rpartition("/")[2]
    write = _WITHOUT_QUERY[name]
    return await give(
        served,
        request,
        name,
        lambda: bool(only(request.query_params)),
        lambda console, links, _: write(console, links),
    )


@router.get("/evidence")
async def evidence(served: Readable, request: Request) -> Response:
    """Show the newest rows of the evidence."""
    return await give(
        served,
        request,
        "evidence",
        lambda: read_page("page", only(request.query_params, "page").get("page", "1")),
        write_evidence,
    )


@router.get("/style.css", dependencies=[Depends(reading)])
async def style() -> Response:
    """Return the stylesheet of the pages."""
    return Response(stylesheet(), media_type="text/css", headers={"cache-control": "max-age=300"})


@router.get("/{name:path}")
async def nowhere(served: Readable, request: Request, name: str) -> Response:
    """Answer that there is no such page; with a slash too many there is."""
    links = links_from(served, request)
    if not name:
        return RedirectResponse(links.fleet(FleetQuery()), HTTPStatus.PERMANENT_REDIRECT)
    return answer_page(HTTPStatus.NOT_FOUND, _render_none(links, f"the console has no page {show(name)}"))


def links_from(served: Service, request: Request) -> ServedLinks:
    """Return addresses relative to the page that was asked for: a proxy may serve it below any path."""
    return ServedLinks(PrefectLinks(served.options.prefect_url), root_of(path_of(request.scope)))


def _render_none(links: ServedLinks, reason: str, *, here: str = "") -> str:
    outage = Outage(
        datetime.now(UTC), "There is no such page", capitalize(reason), "The pages above are there."
    )
    return render_outage(outage, links, here=here)


def only(parameters: Mapping[str, str], *names: str) -> Mapping[str, str]:
    """Ensure that no other query parameter was sent."""
    unknown = sorted(parameters.keys() - set(names))
    if unknown:
        raise UsageError(f"the query parameter {show(unknown[0])} is unknown")
    return parameters


async def give(
    served: Service,
    request: Request,
    name: str,
    ask: Callable[[], Asked],
    write: Callable[[Console, ServedLinks, Asked], str],
    media_type: str = _HTML,
) -> Response:
    """Return a page, or one that says why it cannot be given.

    Args:
        served: The service.
        request: The request.
        name: Of the page.
        ask: Reads the query.
        write: Makes the page of what was asked.
        media_type: Of what was asked; a page that says why it cannot be given is HTML.
    """
    now, links = datetime.now(UTC), links_from(served, request)
    try:
        asked = ask()
        answer = await served.answers.give(
            ("console", name, asked),
            lambda: _find_version(served),
            lambda: _encode(write(read_served(served), links, asked)),
            media_type,
        )
    except Problem as problem:
        page = write_missing_documents(problem.detail.rstrip("."), links, now=now, here=name)
        answer = answer_page(problem.status_code, page)
    except DatabaseError as error:
        why = DatabaseError(_explain(error))
        status = HTTPStatus.OK if str(why) == NO_EVIDENCE else HTTPStatus.SERVICE_UNAVAILABLE
        answer = answer_page(status, write_missing_evidence(why, links, now=now, here=name))
    except UsageError as error:
        answer = answer_page(HTTPStatus.NOT_FOUND, _render_none(links, str(error), here=name))
    answer.headers["content-security-policy"] = SERVED_POLICY
    return answer


def _find_version(served: Service) -> str:
    """Return an opaque version string of what pages are made of; the fleet has a page without a database."""
    try:
        return served.version()
    except DatabaseError:
        return f"{served.fleet_version()} without a database"


def read_served(served: Service) -> Console:
    """Return what pages are made from, as it is now.

    Raises:
        Problem: The documents cannot be used.
    """
    judged = served.fleet.judged()
    database: Database | str | None
    try:
        database = served.database()
    except DatabaseError as error:
        database = _explain(error)
    return read_console(
        database,
        judged.subjects,
        judged.judgements,
        now=judged.at,
        explain=_explain,
        warnings=judged.warnings,
    )


def _explain(error: DatabaseError) -> str:
    """Return why there is no evidence, without naming anything of this machine."""
    if str(error) in {NO_EVIDENCE, _UNUSABLE}:
        return str(error)
    logger.warning("the console: %s", error)
    return _UNUSABLE


def answer_page(status: int, page: str) -> Response:
    """Answer with a page."""
    return Response(_encode(page), status, {"content-security-policy": SERVED_POLICY}, _HTML)


def _encode(page: str) -> bytes:
    return redactor_in_use().text(page).encode("utf-8", "replace")
