"""The outermost layer: what every request passes before, and every answer after, any endpoint sees it."""

import logging
import time
import traceback
from http import HTTPStatus
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollback_drills.access.api_token import ApiToken
from rollback_drills.console.message_links import PAGE_PATH
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.reports.feed_grants import FEED_PATH
from rollback_drills_api.limits import RateLimit, check_json, check_query, read_body, replay
from rollback_drills_api.logins import read_login
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.problems import Problem, write_problem
from rollback_drills_api.security import TokenBook, identify, read_token
from rollback_drills_api.traces import continue_trace

logger = logging.getLogger(__name__)
access = logging.getLogger("rollback_drills_api.access")

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""Of every answer that does not say otherwise itself."""
_ASK_FOR_PASSWORD: Final = (b"www-authenticate", b'Basic realm="rollback-drills", charset="UTF-8"')
_CLOSE: Final = (b"connection", b"close")
_READ_BY_PEOPLE: Final = frozenset({"/console", "/docs", "/openapi.json", "/calendar.ics"})
"""What browsers and calendars ask for, which know passwords and no tokens; nothing there changes anything."""
_PROBES: Final = frozenset({"/healthz", "/readyz"})
_FORM: Final = "application/x-www-form-urlencoded"
_MEDIA_TYPES: Final = {"application/json": "JSON", _FORM: "a form"}
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
        scope = self._below_base_path(scope)
        if scope["method"] == "HEAD":  # as GET (RFC 9110 §9.3.2); the server leaves the content out
            scope = {**scope, "method": "GET"}
        request = _Request(scope, send)
        try:
            receive = await self._admit(request, receive)
            with continue_trace(scope["headers"]):
                await self._app(scope, receive, request.send)
        except Problem as problem:
            answer = write_problem(
                problem.status_code,
                problem.detail,
                request.request_id,
                errors=problem.errors,
                headers=problem.headers,
            )
            await answer(scope, receive, request.send)
        except Exception as error:  # noqa: BLE001 - the server goes on, and the log has it
            self._log_failure(error, request.request_id)
            if not request.status:
                detail = "an error of the server; its log has it under the id of this request"
                await write_problem(500, detail, request.request_id)(scope, receive, request.send)
        finally:
            request.log()

    def _below_base_path(self, scope: Scope) -> Scope:
        """Take the base path off a request of a proxy that has left it there."""
        base: str = self._base_path
        if base and f"{scope['path']}/".startswith(f"{base}/"):
            return {**scope, "path": scope["path"].removeprefix(base) or "/"}
        return scope

    async def _admit(self, request: "_Request", receive: Receive) -> Receive:
        headers = request.scope["headers"]
        _check_framing(request.scope)
        _check_host([value for name, value in headers if name == b"host"], self._hosts)
        now = time.monotonic()
        try:
            login = read_login(headers, request.address, self._login)
            caller = login if request.is_console and login else self._identify(request, now)
        except Problem:
            # So that nobody guesses at full speed. It does not count for others who come from this address.
            self._take(f"login {request.address}", now)
            raise
        request.scope["state"] |= {"caller": caller, "login": login}
        request.caller = caller.name if caller else ""
        if caller:
            self._take(f"caller {caller.name}", now)
        elif not request.is_probe:
            self._take(f"address {request.address}", now)
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
            _check_media_type(fields.get(b"content-type", b"").decode("latin-1"), _FORM)
        elif body:
            _check_media_type(fields.get(b"content-type", b"").decode("latin-1"), "application/json")
            check_json(body)
        return replay(body, receive)

    def _identify(self, request: "_Request", now: float) -> ApiToken | None:
        presented = read_token(request.scope["headers"], takes_password=request.is_page)
        return identify(self._book, presented, now=now)

    def _take(self, caller: str, now: float) -> None:
        wait = self._rate.take(caller, now=now)
        if wait:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many requests; wait as long as Retry-After says",
                headers={"retry-after": str(int(wait) + 1)},
            )

    def _log_failure(self, error: Exception, request_id: str) -> None:
        trace = "".join(traceback.format_exception(error))
        logger.error("request %s broke: %s", request_id, redactor_in_use().text(trace))


class _Request:
    """One request on its way."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self._send = send
        self.request_id = str(uuid4())
        self.caller = ""
        self.status = 0
        self.is_read = not _has_body(scope)
        """Whether all of the request has come. If not, the rest would keep the connection, drop by drop."""
        self._started = time.perf_counter()
        scope.setdefault("state", {})
        scope["state"] |= {"request_id": self.request_id, "caller": None, "login": None}

    @property
    def is_page(self) -> bool:
        """Whether a browser or a calendar asks, which sends a password unasked."""
        path = self.scope["path"].removeprefix(self.scope.get("root_path", ""))
        return self.is_console or bool(self.scope["method"] == "GET" and path in _READ_BY_PEOPLE)

    @property
    def is_console(self) -> bool:
        """Whether it is for a page or a form of the console."""
        path = self.scope["path"].removeprefix(self.scope.get("root_path", ""))
        return bool(path == "/console" or path.startswith("/console/"))

    @property
    def is_link(self) -> bool:
        """Whether it is about the page behind a link, whose path is a permission."""
        path = self.scope["path"].removeprefix(self.scope.get("root_path", ""))
        return bool(path.startswith(f"{PAGE_PATH}/"))

    @property
    def printable_path(self) -> str:
        """The path for the log, without the permission that it may hold."""
        if self.is_link:
            return f"{PAGE_PATH}/{{link}}"
        path = self.scope["path"].removeprefix(self.scope.get("root_path", ""))
        return f"{FEED_PATH}/{{link}}" if path.startswith(f"{FEED_PATH}/") else _printable(self.scope["path"])

    @property
    def is_probe(self) -> bool:
        """Whether an orchestrator asks if the process lives; its answers are kept ready, and cost nothing."""
        return self.scope["path"].removeprefix(self.scope.get("root_path", "")) in _PROBES

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return str(client[0]) if client else "unknown"

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.setdefault("headers", [])
            if self.status == HTTPStatus.UNAUTHORIZED and self.is_page:
                headers = [_ASK_FOR_PASSWORD, *(each for each in headers if each[0] != b"www-authenticate")]
            further = _HEADERS if self.is_read else (*_HEADERS, _CLOSE)
            present = {name.lower() for name, _ in headers}
            message["headers"] = [
                *headers,
                *(each for each in further if each[0] not in present),
                (b"x-request-id", self.request_id.encode()),
            ]
        await self._send(message)

    def log(self) -> None:
        if access.isEnabledFor(logging.INFO):  # without the query, which is nobody's business
            access.info(
                "%s %s %d %.1f ms caller=%s id=%s",
                _printable(self.scope["method"]),
                self.printable_path,
                self.status,
                (time.perf_counter() - self._started) * 1000,
                self.caller or "-",
                self.request_id,
            )


def _printable(text: str) -> str:
    return quote(redactor_in_use().text(text)[:200], safe="/{}[]-._~:@!$&'()*+,;=")


def _has_body(scope: Scope) -> bool:
    fields = dict(scope["headers"])
    return b"transfer-encoding" in fields or fields.get(b"content-length", b"0").strip(b"0") != b""


def _check_framing(scope: Scope) -> None:
    """Refuse a request whose end a proxy may see elsewhere: its rest would be somebody else's request.

    https://www.rfc-editor.org/rfc/rfc9112#section-6.1
    """
    names = {name for name, _ in scope["headers"]}
    if b"transfer-encoding" not in names:
        return
    if b"content-length" in names:
        detail = "the request has both Content-Length and Transfer-Encoding; send one of them"
    elif scope["http_version"] == "1.0":
        detail = "HTTP/1.0 has no Transfer-Encoding; send Content-Length"
    else:
        return
    raise Problem(HTTPStatus.BAD_REQUEST, detail, headers={"connection": "close"})


def _check_host(values: list[bytes], allowed: frozenset[str]) -> None:
    """Ensure that a request means this server: otherwise a page of anybody could ask it through a browser."""
    if len(values) == 1:
        host = values[0].decode("latin-1").lower()
        name, colon, port = host.rpartition(":")
        if not colon or host.endswith("]"):
            name, port = host, "0"
        if name in allowed and port.isascii() and port.isdigit():
            return
    raise Problem(HTTPStatus.BAD_REQUEST, "the Host of the request is not served here; see --allowed-host")


def _check_media_type(content_type: str, expected: str) -> None:
    if content_type.partition(";")[0].strip().lower() != expected:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the body must be {_MEDIA_TYPES[expected]}; send `Content-Type: {expected}`",
        )
