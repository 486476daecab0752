"""Answers with an error: a page where a browser asks for one, and else a problem document."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from rollback_drills.console.acknowledge_page import write_refusal
from rollback_drills.console.links import PrefectLinks, ServedLinks, root_of
from rollback_drills.console.message_links import PAGE_PATH
from rollback_drills.console.rendering import SERVED_POLICY, Outage, render_outage
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.sentences import capitalize
from rollback_drills_api.http.passing_request import path_of
from rollback_drills_api.invalid_fields import explain_field
from rollback_drills_api.problems import Problem, write_problem

_REMEDIES: Final = {
    HTTPStatus.TOO_MANY_REQUESTS: "Then load this page again.",
    HTTPStatus.UNAUTHORIZED: "Load this page again, and log in.",
}
_REMEDY: Final = "If this does not help, the log of the API has more about the request"
_MOST_ERRORS: Final = 20
_EXPLAINED: Final = {
    404: "there is nothing at this path; /openapi.json lists what there is",
    405: "this path does not take this method; the header Allow names those that it takes",
    400: "the body cannot be read",
}


def answer_error(
    scope: Scope,
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with an error.

    Args:
        scope: Of the request.
        status: The status code.
        detail: What is wrong with this request, and what to do about it.
        errors: What is wrong, by place.
        headers: Further headers of the answer.
    """
    request_id = scope["state"]["request_id"]
    path = path_of(scope)
    page = _write_page(path, status, detail, request_id) if _takes_pages(scope) else ""
    if not page:
        return write_problem(status, detail, request_id, errors=errors, headers=headers)
    content = redactor_in_use().text(page).encode("utf-8", "replace")
    policy = {"content-security-policy": SERVED_POLICY}
    return Response(content, status, {**(headers or {}), **policy}, "text/html; charset=utf-8")


def _takes_pages(scope: Scope) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _write_page(path: str, status: int, detail: str, request_id: str) -> str:
    """Return the page for a path; empty where there are no pages."""
    now, reason = datetime.now(UTC), detail.rstrip(".")
    if path.startswith(f"{PAGE_PATH}/"):
        return write_refusal(reason, now=now, title=HTTPStatus(status).phrase)
    if path != "/console" and not path.startswith("/console/"):
        return ""
    remedy = _REMEDIES.get(HTTPStatus(status), f"{_REMEDY} {request_id}.")
    outage = Outage(now, HTTPStatus(status).phrase, capitalize(reason), remedy)
    return render_outage(outage, ServedLinks(PrefectLinks(), root_of(path)), here="")


def install_handlers(app: FastAPI) -> None:
    """Let every error of routing, validation and the endpoints be answered as a problem, or as a page."""
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these alone
    if isinstance(error, Problem):
        errors, headers = error.errors, error.headers
        return answer_error(request.scope, error.status_code, error.detail, errors=errors, headers=headers)
    # the framework raised it, with nothing but the name of its status
    detail = _EXPLAINED.get(error.status_code, error.detail)
    return answer_error(request.scope, error.status_code, detail, headers=error.headers)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these alone
    errors = [explain_field(each) for each in error.errors()[:_MOST_ERRORS]]
    first = errors[0]
    detail = f"{first['path']}: {first['message']}"
    return answer_error(request.scope, 422, detail, errors=errors)
