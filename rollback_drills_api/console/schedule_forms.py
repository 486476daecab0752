"""The page of a schedule in the console, and its forms: they act as the API does, and only by POST."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from rollback_drills.access.api_token import Scope
from rollback_drills.console.acting import Done, FormName, choose_routes
from rollback_drills.console.links import ServedLinks
from rollback_drills.console.pages import write_schedule
from rollback_drills.console.source import Console
from rollback_drills.errors import UsageError
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills_api.acknowledgements import acknowledge_choices
from rollback_drills_api.approval_bodies import AskBody
from rollback_drills_api.bodies import RecordBody, SaidBody
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
from rollback_drills_api.drills import record
from rollback_drills_api.exception_requests import ask, decide
from rollback_drills_api.http.security import asking, reading
from rollback_drills_api.service import Readable, Served, Service

# For people, and no part of what programs are promised.
router = APIRouter(prefix="/console/schedule", include_in_schema=False, dependencies=[Depends(reading)])


class _AskedFor(NamedTuple):
    """What a page is made of, beside the documents and the evidence."""

    schedule_id: str
    asked: Asked


@router.get("")
async def schedule(served: Readable, request: Request) -> Response:
    """Show one schedule, with forms for those who may act."""

    def read() -> _AskedFor:
        query = only(request.query_params, "id", "done", "mark")
        asked = Asked(request.state.caller, query.get("done", ""), query.get("mark", ""))
        return _AskedFor(query.get("id", ""), asked)

    def write(console: Console, links: ServedLinks, asked: _AskedFor) -> str:
        return write_schedule(console, links, asked.schedule_id, find_acting(request, asked.asked, _ACTS))

    return await give(served, request, "schedule", read, write)


@router.get("/log-in", dependencies=[Depends(asking)])
async def log_in(served: Served, request: Request) -> Response:
    """Ask for a token where reading needs none, then show the page of the schedule."""
    name = only(request.query_params, "id").get("id", "")
    schedule_id = served.fleet.judged().find(name).cycle.schedule_id
    return RedirectResponse(links_from(served, request).schedule(schedule_id), HTTPStatus.SEE_OTHER)


@router.post("/{name}")
async def act(served: Served, request: Request, name: FormName) -> Response:
    """Do what a form says, then show the page of the schedule."""
    caller, form = await receive(request)
    return await to_thread.run_sync(lambda: _act(served, request, caller, name, form), limiter=served.waiting)


def _act(served: Service, request: Request, caller: Caller, name: FormName, form: Form) -> Response:
    schedule_id = served.fleet.judged().find(form.get("id", "")).cycle.schedule_id
    done = perform(served, request, caller, _ACTS[name], {**form, "id": schedule_id})
    links = links_from(served, request)
    if isinstance(done, Done):
        # From our own names: a form cannot choose where the browser goes.
        target = links.schedule(schedule_id, done, mark_done(request, caller, done))
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)
    refused = replace(make_acting(request, caller), refused=name, problem=done.problem, typed=form)
    return answer_page(done.status, write_schedule(read_served(served), links, schedule_id, refused))


def _acknowledge(served: Service, caller: Caller, form: Form) -> Done:
    now, database = datetime.now(UTC), served.database()
    cycles = read_open_cycles(database, now=now, schedule_ids=[form["id"]]) if database else []
    choices = choose_routes(cycles, form.get("route", ""))
    if not choices:
        raise UsageError("there is nothing to acknowledge any more; the cycle is over")
    days = form.get("acknowledged_for_days", "")
    said = SaidBody(
        acknowledgement_state=form.get("acknowledgement_state", "acknowledged"),
        acknowledged_for_days=_read_number("acknowledged_for_days", days),
        external_ref=form.get("external_ref", ""),
        notes=form.get("notes", ""),
    )
    acknowledge_choices(served, caller.name, choices, said)
    return Done.ACKNOWLEDGED


def _request(served: Service, caller: Caller, form: Form) -> Done:
    body = AskBody(
        exception=form.get("exception", ""), until=form.get("until", ""), reason=form.get("reason", "")
    )
    ask(served, caller.name, form["id"], body)
    return Done.REQUESTED


def _decide(served: Service, caller: Caller, form: Form) -> Done:
    request_id, reason = form.get("request_id", ""), form.get("reason", "")
    if form.get("decision") == "approve":
        decide(served, caller.name, request_id, "approve", reason)
        return Done.APPROVED
    decide(served, caller.name, request_id, "decline", reason)
    return Done.DECLINED


def _record(served: Service, caller: Caller, form: Form) -> Done:
    body = RecordBody(
        schedule_id=form["id"],
        drill_id=form.get("drill_id", ""),
        executed_at=form.get("executed_at", ""),
        status=form.get("status", ""),
        fallback_verified=form.get("fallback_verified") == "yes",
        recovery_minutes=_read_number("recovery_minutes", form.get("recovery_minutes", "")),
        max_recovery_minutes=_read_number("max_recovery_minutes", form.get("max_recovery_minutes", "")),
        evidence_refs=[line.strip() for line in form.get("evidence_refs", "").splitlines() if line.strip()],
        actor=form.get("actor", ""),
        source_mode=form.get("source_mode", ""),
        target_mode=form.get("target_mode", ""),
    )
    record(served, caller.name, body)
    return Done.RECORDED


def _read_number(name: str, text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise UsageError("is no number", field=name) from None


_ACTS: Final[Mapping[str, Act]] = {
    FormName.ACKNOWLEDGE: Act(Scope.OPERATE, _acknowledge),
    FormName.REQUEST: Act(Scope.OPERATE, _request),
    FormName.DECIDE: Act(Scope.ADMIN, _decide),
    FormName.RECORD: Act(Scope.RECORD, _record),
}
