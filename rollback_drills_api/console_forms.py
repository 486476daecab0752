"""The page of a schedule in the console, and its forms: they act as the API does, and only by POST."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from rollback_drills.api_token import ApiToken, Scope
from rollback_drills.console.acting import Acting, Done, FormName, choose_routes
from rollback_drills.console.links import ServedLinks
from rollback_drills.console.pages import write_schedule
from rollback_drills.console.source import Console
from rollback_drills.errors import UsageError
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills_api.acknowledging import acknowledge_choices
from rollback_drills_api.bodies import AskBody, RecordBody, SaidBody
from rollback_drills_api.console import answer_page, give, links_from, only, read_served
from rollback_drills_api.form_guard import check_origin, read_form
from rollback_drills_api.key_book import KeyBook
from rollback_drills_api.logins import Login
from rollback_drills_api.problems import Problem, find_invalid
from rollback_drills_api.recording import record
from rollback_drills_api.requesting import ask, decide
from rollback_drills_api.security import asking, reading
from rollback_drills_api.service import Readable, Served, Service

# For people, and no part of what programs are promised.
router = APIRouter(prefix="/console/schedule", include_in_schema=False, dependencies=[Depends(reading)])

Caller = ApiToken | Login
Form = Mapping[str, str]
Act = Callable[[Service, Caller, Form], Done]
_CALLED: Final = {
    "acknowledged_by": "your login",
    "requested_by": "your login",
    "decided_by": "your login",
    "until": "the end",
    "acknowledged_for_days": "the number of days",
    "external_ref": "the ticket",
    "notes": "the remark",
}
"""What people read in place of a parameter's name."""


class _Asked(NamedTuple):
    """What a page is made of, beside the documents and the evidence."""

    schedule_id: str
    done: str
    mark: str
    caller: Caller | None


@router.get("")
async def schedule(served: Readable, request: Request) -> Response:
    """Show one schedule, with forms for those who may act."""

    def read() -> _Asked:
        asked = only(request.query_params, "id", "done", "mark")
        schedule_id, done, mark = (asked.get(each, "") for each in ("id", "done", "mark"))
        return _Asked(schedule_id, done, mark, request.state.caller)

    def write(console: Console, links: ServedLinks, asked: _Asked) -> str:
        return write_schedule(console, links, asked.schedule_id, _find_acting(request, asked))

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
    check_origin(request)
    caller: Caller | None = request.state.caller
    if caller is None:  # where everybody may read
        raise Problem(HTTPStatus.UNAUTHORIZED, "log in to act")
    form = await read_form(request)
    return await to_thread.run_sync(lambda: _act(served, request, caller, name, form), limiter=served.waiting)


def _act(served: Service, request: Request, caller: Caller, name: FormName, form: Form) -> Response:
    schedule_id = served.fleet.judged().find(form.get("id", "")).cycle.schedule_id
    keys: KeyBook = request.app.state.form_keys
    try:
        keys.keys().check_form(form.get("mark", ""), caller.name, now=datetime.now(UTC))
        done = _perform(served, caller, name, {**form, "id": schedule_id})
    except UsageError as error:
        problem, status = error.spell(_call), 422
    except ValidationError as error:
        field, why = find_invalid(error)
        problem, status = f"{_call(field)}: {why}", 422
    except Problem as error:
        problem, status = error.detail, error.status_code
    else:
        # From our own names: a form cannot choose where the browser goes.
        mark = keys.keys().mark_form(_name_done(caller, done), now=datetime.now(UTC))
        target = links_from(served, request).schedule(schedule_id, done, mark)
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)
    refused = replace(_make_acting(request, caller), refused=name, problem=problem.rstrip("."), typed=form)
    page = write_schedule(read_served(served), links_from(served, request), schedule_id, refused)
    return answer_page(status, page)


def _perform(served: Service, caller: Caller, name: FormName, form: Form) -> Done:
    scope, perform = _ACTS[name]
    if not caller.may(scope):
        raise Problem(
            HTTPStatus.FORBIDDEN, f"this needs the scope {scope}; that of {caller.name} is {caller.scope}"
        )
    try:
        return perform(served, caller, form)
    finally:
        served.forget()


def _find_acting(request: Request, asked: _Asked) -> Acting | None:
    """Return what the caller may do; None for who may only read, or while the keys cannot be read."""
    if asked.caller is None:
        return Acting()
    if not any(asked.caller.may(scope) for scope, _ in _ACTS.values()):
        return None
    try:
        acting = _make_acting(request, asked.caller)
    except Problem:
        return None
    return replace(acting, done=_find_done(request, asked, asked.caller))


def _find_done(request: Request, asked: _Asked, caller: Caller) -> Done | None:
    """Return what the caller has done; None if the address only says so, as that of a link could."""
    keys: KeyBook = request.app.state.form_keys
    try:
        done = Done(asked.done)
        keys.keys().check_form(asked.mark, _name_done(caller, done), now=datetime.now(UTC))
    except (ValueError, UsageError, Problem):
        return None
    return done


def _name_done(caller: Caller, done: Done) -> str:
    """Return what a mark is for that shows that a caller has done something: no caller has such a name."""
    return f"{done}\n{caller.name}"


def _call(field: str) -> str:
    return _CALLED.get(field, f"the {field.replace('_', ' ')}")


def _make_acting(request: Request, caller: Caller) -> Acting:
    """Return what a caller may do, with a fresh mark.

    Raises:
        Problem: The keys that sign it cannot be read.
    """
    keys: KeyBook = request.app.state.form_keys
    return Acting(
        caller.name,
        keys.keys().mark_form(caller.name, now=datetime.now(UTC)),
        may_operate=caller.may(Scope.OPERATE),
        may_decide=caller.may(Scope.ADMIN),
        may_record=caller.may(Scope.RECORD),
    )


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
    request_id = form.get("request_id", "")
    if form.get("decision") == "approve":
        decide(served, caller.name, request_id, "approve")
        return Done.APPROVED
    decide(served, caller.name, request_id, "decline", form.get("reason", ""))
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


_ACTS: Final[Mapping[FormName, tuple[Scope, Act]]] = {
    FormName.ACKNOWLEDGE: (Scope.OPERATE, _acknowledge),
    FormName.REQUEST: (Scope.OPERATE, _request),
    FormName.DECIDE: (Scope.ADMIN, _decide),
    FormName.RECORD: (Scope.RECORD, _record),
}
