"""The console's pages of undelivered notifications and of outages, and the forms that send again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import RedirectResponse, Response

from rollback_drills.access.api_token import Scope
from rollback_drills.console.acting import Acting, Done, ReplayForm
from rollback_drills.console.links import Links, ServedLinks
from rollback_drills.console.pages import write_outages, write_undelivered
from rollback_drills.console.source import Console
from rollback_drills.recovery.act import Act as Deed
from rollback_drills_api.approval_bodies import ReplayBody
from rollback_drills_api.console.forms import (
    Act,
    Asked,
    Caller,
    Form,
    find_acting,
    make_acting,
    mark_done,
    perform,
    receive,
)
from rollback_drills_api.console.pages import answer_page, give, links_from, only, read_served
from rollback_drills_api.http.security import asking, reading
from rollback_drills_api.replays import approve_replay, execute_replay, send_again
from rollback_drills_api.service import Readable, Served, Service

# For people, and no part of what programs are promised.
router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[Depends(reading)])

Write = Callable[[Console, Links, Acting | None], str]
PageName = Literal["undelivered", "outages"]


@router.get("/undelivered")
async def undelivered(served: Readable, request: Request) -> Response:
    """Show what waits for delivery, and the dead letters."""
    return await _show(served, request, "undelivered")


@router.get("/outages")
async def outages(served: Readable, request: Request) -> Response:
    """Show the outages of connectors, and the replays that people asked for."""
    return await _show(served, request, "outages")


@router.get("/{page}/log-in", dependencies=[Depends(asking)])
async def log_in(served: Served, request: Request, page: PageName) -> Response:
    """Ask for a token where reading needs none, then show the page."""
    only(request.query_params)
    return RedirectResponse(links_from(served, request).page(page), HTTPStatus.SEE_OTHER)


@router.post("/{page}/{name}")
async def act(
    served: Served, request: Request, page: PageName, name: Annotated[ReplayForm, Path()]
) -> Response:
    """Do what a form says, then show its page."""
    caller, form = await receive(request)
    return await to_thread.run_sync(
        lambda: _act(served, request, caller, page, name, form), limiter=served.waiting
    )


async def _show(served: Service, request: Request, page: PageName) -> Response:
    def read() -> Asked:
        query = only(request.query_params, "done", "mark")
        return Asked(request.state.caller, query.get("done", ""), query.get("mark", ""))

    def write(console: Console, links: ServedLinks, asked: Asked) -> str:
        return _PAGES[page](console, links, find_acting(request, asked, _ACTS))

    return await give(served, request, page, read, write)


def _act(
    served: Service, request: Request, caller: Caller, page: PageName, name: ReplayForm, form: Form
) -> Response:
    done, links = perform(served, request, caller, _ACTS[name], form), links_from(served, request)
    if isinstance(done, Done):
        return RedirectResponse(
            links.page(page, done, mark_done(request, caller, done)), HTTPStatus.SEE_OTHER
        )
    refused = replace(make_acting(request, caller), refused=name, problem=done.problem, typed=form)
    return answer_page(done.status, _PAGES[page](read_served(served), links, refused))


def _replay(served: Service, caller: Caller, form: Form) -> Done:
    deed = Deed(caller.name, form.get("reason", ""))
    deed.check()
    body = ReplayBody(notification_ids=[form.get("notification_id", "")], reason=deed.reason)
    is_replayed = send_again(served, deed, *body.notification_ids, with_all=form.get("which") == "all")
    return Done.REPLAYED if is_replayed else Done.REPLAY_REQUESTED


def _approve(served: Service, caller: Caller, form: Form) -> Done:
    approve_replay(served, caller.name, form.get("replay_id", ""))
    return Done.REPLAY_APPROVED


def _execute(served: Service, caller: Caller, form: Form) -> Done:
    execute_replay(served, caller.name, form.get("replay_id", ""))
    return Done.REPLAYED


_PAGES: Final[Mapping[PageName, Write]] = {"undelivered": write_undelivered, "outages": write_outages}
_ACTS: Final[Mapping[str, Act]] = {
    ReplayForm.REPLAY: Act(Scope.OPERATE, _replay),
    ReplayForm.APPROVE: Act(Scope.ADMIN, _approve),
    ReplayForm.EXECUTE: Act(Scope.OPERATE, _execute),
}
