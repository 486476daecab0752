"""One request on its way: what it is for, the headers of its answer, and its line of the access log."""

import logging
import time
from http import HTTPStatus
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from starlette.types import Message, Scope, Send

from rollback_drills.console.message_links import PAGE_PATH
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.reports.feed_grants import FEED_PATH

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


class PassingRequest:
    """One request on its way."""

    def __init__(self, scope: Scope, send: Send) -> None:
        """Number a request."""
        self.scope = scope
        self._path = path_of(scope)
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
        return self.is_console or (self.scope["method"] == "GET" and self._path in _READ_BY_PEOPLE)

    @property
    def is_console(self) -> bool:
        """Whether it is for a page or a form of the console."""
        return self._path == "/console" or self._path.startswith("/console/")

    @property
    def is_link(self) -> bool:
        """Whether it is about the page behind a link, whose path is a permission."""
        return self._path.startswith(f"{PAGE_PATH}/")

    @property
    def printable_path(self) -> str:
        """The path for the log, without the permission that it may hold."""
        if self.is_link:
            return f"{PAGE_PATH}/{{link}}"
        if self._path.startswith(f"{FEED_PATH}/"):
            return f"{FEED_PATH}/{{link}}"
        return _printable(self.scope["path"])

    @property
    def is_probe(self) -> bool:
        """Whether an orchestrator asks if the process lives; its answers are kept ready, and cost nothing."""
        return self._path in _PROBES

    @property
    def address(self) -> str:
        """Where it comes from."""
        client = self.scope.get("client")
        return str(client[0]) if client else "unknown"

    async def send(self, message: Message) -> None:
        """Send a part of the answer, the first one with the headers of every answer."""
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
        """Write the line of the access log."""
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


def path_of(scope: Scope) -> str:
    """Return the path that a request asks for, below the one at which a proxy serves the API."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _printable(text: str) -> str:
    return quote(redactor_in_use().text(text)[:200], safe="/{}[]-._~:@!$&'()*+,;=")


def _has_body(scope: Scope) -> bool:
    fields = dict(scope["headers"])
    return b"transfer-encoding" in fields or fields.get(b"content-length", b"0").strip(b"0") != b""
