"""What the forms of the console have in common: who sends one, whether it acts, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple

from fastapi import Request
from pydantic import ValidationError

from rollback_drills.access.api_token import ApiToken, Scope
from rollback_drills.console.acting import Acting, Done
from rollback_drills.errors import UsageError
from rollback_drills_api.console.form_guard import check_origin, read_form
from rollback_drills_api.invalid_fields import find_invalid
from rollback_drills_api.key_book import KeyBook
from rollback_drills_api.logins import Login
from rollback_drills_api.problems import Problem
from rollback_drills_api.service import Service

Caller = ApiToken | Login
Form = Mapping[str, str]
Perform = Callable[[Service, Caller, Form], Done]
_CALLED: Final = {
    "acknowledged_by": "your login",
    "requested_by": "your login",
    "decided_by": "your login",
    "by": "your login",
    "approved_by": "your login",
    "replayed_by": "your login",
    "until": "the end",
    "acknowledged_for_days": "the number of days",
    "external_ref": "the ticket",
    "notes": "the remark",
}
"""What people read in place of a parameter's name."""


class Act(NamedTuple):
    """What a form does, and which scope it needs."""

    scope: Scope
    perform: Perform


class Asked(NamedTuple):
    """Who asked for a page, and what its address says was done."""

    caller: Caller | None
    done: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a form did nothing."""

    problem: str
    status: int


async def receive(request: Request) -> tuple[Caller, Form]:
    """Return who sends a form, and its fields.

    Raises:
        Problem: Another site sent it, nobody logged in, or it cannot be read.
    """
    check_origin(request)
    caller: Caller | None = request.state.caller
    if caller is None:  # where everybody may read
        raise Problem(HTTPStatus.UNAUTHORIZED, "log in to act")
    return caller, await read_form(request)


def perform(served: Service, request: Request, caller: Caller, act: Act, form: Form) -> Done | Refused:
    """Do what a form says, if its mark was made for the caller, who may do it."""
    try:
        _keys_of(request).keys().check_form(form.get("mark", ""), caller.name, now=datetime.now(UTC))
        return _perform(served, caller, act, form)
    except UsageError as error:
        return Refused(error.spell(_call).rstrip("."), 422)
    except ValidationError as error:
        field, why = find_invalid(error)
        return Refused(f"{_call(field)}: {why}".rstrip("."), 422)
    except Problem as error:
        return Refused(error.detail.rstrip("."), error.status_code)


def _perform(served: Service, caller: Caller, act: Act, form: Form) -> Done:
    if not caller.may(act.scope):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"this needs the scope {act.scope}; that of {caller.name} is {caller.scope}",
        )
    try:
        return act.perform(served, caller, form)
    finally:
        served.forget()


def mark_done(request: Request, caller: Caller, done: Done) -> str:
    """Return the mark that shows that a caller has done something."""
    return _keys_of(request).keys().mark_form(_name_done(caller, done), now=datetime.now(UTC))


def find_acting(request: Request, asked: Asked, acts: Mapping[str, Act]) -> Acting | None:
    """Return what a caller may do on a page; None for who may only read, or while the keys cannot be read."""
    if asked.caller is None:
        return Acting()
    if not any(asked.caller.may(act.scope) for act in acts.values()):
        return None
    try:
        return make_acting(request, asked.caller, _find_done(request, asked, asked.caller))
    except Problem:
        return None


def make_acting(request: Request, caller: Caller, done: Done | None = None) -> Acting:
    """Return what a caller may do, with a fresh mark.

    Raises:
        Problem: The keys that sign it cannot be read.
    """
    return Acting(
        caller.name,
        _keys_of(request).keys().mark_form(caller.name, now=datetime.now(UTC)),
        may_operate=caller.may(Scope.OPERATE),
        may_decide=caller.may(Scope.ADMIN),
        may_record=caller.may(Scope.RECORD),
        done=done,
    )


def _find_done(request: Request, asked: Asked, caller: Caller) -> Done | None:
    """Return what the caller has done; None if the address only says so, as that of a link could."""
    try:
        done = Done(asked.done)
        _keys_of(request).keys().check_form(asked.mark, _name_done(caller, done), now=datetime.now(UTC))
    except (ValueError, UsageError, Problem):
        return None
    return done


def _name_done(caller: Caller, done: Done) -> str:
    """Return what a mark is for that shows that a caller has done something: no caller has such a name."""
    return f"{done}\n{caller.name}"


def _keys_of(request: Request) -> KeyBook:
    keys: KeyBook = request.app.state.form_keys
    return keys


def _call(field: str) -> str:
    return _CALLED.get(field, f"the {field.replace('_', ' ')}")
