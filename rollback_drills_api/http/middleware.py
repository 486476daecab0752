"""ASGI middleware for every request: host, caller, rate, body, headers and access log."""

import logging
import time
import traceback
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from rollback_drills.access.api_token import ApiToken
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.counts import write_count
from rollback_drills_api.http.limits import RateLimit, check_json, check_query, read_body, replay
from rollback_drills_api.http.passing_request import PassingRequest
from rollback_drills_api.http.refusals import answer_error
from rollback_drills_api.http.request_checks import (
    FORM,
    check_body_headers,
    check_framing,
    check_host,
    to_origin_form,
)
from rollback_drills_api.http.security import TokenBook, identify, read_token
from rollback_drills_api.http.traces import continue_trace
from rollback_drills_api.logins import read_login
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.problems import Problem

logger = logging.getLogger(__name__)

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Boundary:
    """Checks host, caller, rate and body of a request; adds headers, a log line, and problems."""

    def __init__(self, app: ASGIApp, options: ApiOptions, book: TokenBook) -> None:
        """Stand before an application."""
        self._app = app
        self._hosts = options.hosts
        self._base_path = options.base_path
        self._book = book
        self._login = options.login
        self._rate = RateLimit(options.requests_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is not HTTP passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._below_base_path(to_origin_form(scope))
        if scope["method"] == "HEAD":  # as GET (RFC 9110 §9.3.2); the server leaves the content out
            scope = {**scope, "method": "GET"}
        request = PassingRequest(scope, send)
        try:
            receive = await self._admit(request, receive)
            with continue_trace(scope["headers"]):
                await self._app(scope, receive, request.send)
        except Problem as problem:
            answer = answer_error(
                scope, problem.status_code, problem.detail, errors=problem.errors, headers=problem.headers
            )
            await answer(scope, receive, request.send)
        except Exception as error:  # noqa: BLE001 - the server goes on, and the log has it
            self._log_failure(error, request.request_id)
            if not request.status:
                detail = "an error of the server; its log has it under the id of this request"
                await answer_error(scope, 500, detail)(scope, receive, request.send)
        finally:
            request.log()

    def _below_base_path(self, scope: Scope) -> Scope:
        """Take the base path off a request of a proxy that has left it there."""
        base: str = self._base_path
        if base and f"{scope['path']}/".startswith(f"{base}/"):
            return {**scope, "path": scope["path"].removeprefix(base) or "/"}
        return scope

    async def _admit(self, request: PassingRequest, receive: Receive) -> Receive:
        headers = request.scope["headers"]
        check_framing(request.scope)
        check_host([value for name, value in headers if name == b"host"], self._hosts)
        if not request.is_probe:  # it is answered whoever asks, also while nobody can be looked up
            self._let_in(request)
        if "\0" in request.scope["path"]:
            raise Problem(HTTPStatus.NOT_FOUND, "there is nothing at a path with a NUL character")
        check_query(request.scope["query_string"])
        if request.scope["method"] not in _WITH_BODY:
            return receive
        fields = dict(headers)
        length = fields.get(b"content-length")
        body = await read_body(receive, length.decode("latin-1") if length is not None else None)
        request.is_read = True
        if body and (request.is_link or request.is_console):
            check_body_headers(fields, FORM)
        elif body:
            check_body_headers(fields, "application/json")
            check_json(body)
        return replay(body, receive)

    def _let_in(self, request: PassingRequest) -> None:
        """Find out who asks, and whether they may ask so often."""
        now = time.monotonic()
        try:
            login = read_login(request.scope["headers"], request.address, self._login)
            caller = login if request.is_console and login else self._identify(request, now)
        except Problem:
            # So that nobody guesses at full speed. It does not count for others who come from this address.
            self._take(f"login {request.address}", now)
            raise
        request.scope["state"] |= {"caller": caller, "login": login}
        request.caller = caller.name if caller else ""
        self._take(f"caller {caller.name}" if caller else f"address {request.address}", now)

    def _identify(self, request: PassingRequest, now: float) -> ApiToken | None:
        presented = read_token(request.scope["headers"], takes_password=request.is_page)
        return identify(self._book, presented, now=now)

    def _take(self, caller: str, now: float) -> None:
        wait = self._rate.take(caller, now=now)
        if wait:
            seconds = int(wait) + 1
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"too many requests; wait {write_count(seconds, 'second')}",
                headers={"retry-after": str(seconds)},
            )

    def _log_failure(self, error: Exception, request_id: str) -> None:
        trace = "".join(traceback.format_exception(error))
        logger.error("request %s broke: %s", request_id, redactor_in_use().text(trace))
