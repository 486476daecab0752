"""The page behind a link in a message: no token and no login, and a permission for one route alone.

Mail scanners and previews of chats open links, so that only the button acts.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from rollback_drills.console.acknowledge_page import write_form, write_refusal
from rollback_drills.console.message_links import PAGE_PATH
from rollback_drills.console.rendering import SERVED_POLICY, stylesheet
from rollback_drills.errors import UsageError
from rollback_drills.followup.linked_route import LinkedRoute, find_linked_route
from rollback_drills.names.people import LINK, PROXY
from rollback_drills_api.acknowledgements import acknowledge_choices
from rollback_drills_api.bodies import SaidBody
from rollback_drills_api.console.form_guard import check_origin
from rollback_drills_api.key_book import KeyBook
from rollback_drills_api.logins import Login
from rollback_drills_api.problems import Problem
from rollback_drills_api.service import Served, Service

# For people, and no part of what programs are promised.
router = APIRouter(prefix=PAGE_PATH, include_in_schema=False)

_LONGEST_NAME: Final = 200
_NOTE: Final = "acknowledged by the link of the message"


@router.get("/style.css")
async def style() -> Response:
    """Return the stylesheet."""
    return Response(stylesheet(), media_type="text/css", headers={"cache-control": "max-age=300"})


@router.get("/{permission}")
async def show(served: Served, request: Request, permission: str) -> Response:
    """Show what the link permits; nothing is written."""
    return await to_thread.run_sync(lambda: _show(served, request, permission))


@router.post("/{permission}")
async def acknowledge(served: Served, request: Request, permission: str) -> Response:
    """Acknowledge the one route of the link, as who logged in at the proxy, or as the name that was typed."""
    login: Login | None = request.state.login
    if login:
        check_origin(request)
        return await to_thread.run_sync(
            lambda: _acknowledge(served, request, permission, login.person), limiter=served.waiting
        )
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(HTTPStatus.FORBIDDEN, "another site sent this form; open the link of the message")
    body = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    name = " ".join("".join(body.get("by", [""])[:1]).split())[:_LONGEST_NAME]
    return await to_thread.run_sync(
        lambda: _acknowledge(served, request, permission, name), limiter=served.waiting
    )


def _show(served: Service, request: Request, permission: str) -> Response:
    now = datetime.now(UTC)
    try:
        linked = _find(served, request, permission, now)
        return _page(write_form(linked, now=now, login=_find_login(request)))
    except UsageError as error:
        return _page(write_refusal(str(error), now=now), HTTPStatus.GONE)


def _acknowledge(served: Service, request: Request, permission: str, name: str) -> Response:
    now = datetime.now(UTC)
    try:
        linked = _find(served, request, permission, now)
    except UsageError as error:
        return _page(write_refusal(str(error), now=now), HTTPStatus.GONE)
    try:
        _write(served, linked, name, PROXY if _find_login(request) else LINK)
    except UsageError as error:
        problem, login = error.spell(lambda _: "the name"), _find_login(request)
        page = write_form(linked, now=now, problem=problem, name=name, login=login)
        return _page(page, HTTPStatus.UNPROCESSABLE_ENTITY)
    # the same page says now who acknowledged; it may be loaded again without acting again
    return RedirectResponse(request.url.path.rpartition("/")[2], HTTPStatus.SEE_OTHER)


def _find_login(request: Request) -> str:
    """Return how the evidence names who logged in at the proxy; empty if nobody did."""
    login: Login | None = request.state.login
    return login.name if login else ""


def _write(served: Service, linked: LinkedRoute, name: str, through: str) -> None:
    if not name:
        raise UsageError("is missing; say who acknowledges", field="by")
    try:
        acknowledge_choices(served, through, [linked.choice], SaidBody(acknowledged_by=name, notes=_NOTE))
    finally:
        served.forget()


def _find(served: Service, request: Request, permission: str, now: datetime) -> LinkedRoute:
    book: KeyBook = request.app.state.link_keys
    route_key = book.keys().read(permission, now=now)
    database = served.database()
    if database is None:
        raise UsageError("there is nothing to acknowledge")
    return find_linked_route(database, route_key, now=now)


def _page(page: str, status: int = HTTPStatus.OK) -> Response:
    headers = {"content-security-policy": SERVED_POLICY}
    return Response(page.encode("utf-8", "replace"), status, headers, "text/html; charset=utf-8")
