"""One HTTP request and its answer, under one deadline: an answer or a verdict, never an exception."""

import asyncio
import functools
import json
import logging
import os
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from blocks.addresses import is_loopback, url_problem
from blocks.failures import judge_failure
from rollback_drills.delivery.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.redaction import REDACTED

LARGEST_BODY_READ: Final = 64 * 1024
_PUBLIC_HEADERS: Final = frozenset(
    {"accept", "content-type", "user-agent", "idempotency-key", "webhook-id", "webhook-timestamp"}
)
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding"})

_sending: ContextVar[bool] = ContextVar("sending", default=False)


def _not_while_sending(_: logging.LogRecord) -> bool:
    return not _sending.get()


# httpx logs every URL at INFO and httpcore the headers at DEBUG. A filter does not reach the loggers
# below its own, so every one that logs is named.
for _name in ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))):
    logging.getLogger(_name).addFilter(_not_while_sending)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request as it will be sent, and its URL as it may be shown (providers.md, redaction table)."""

    method: str
    url: str = field(repr=False)
    public_url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)

    def summary(self) -> RequestSummary:
        """Describe the request for evidence; only headers that are known to be harmless show a value."""
        headers = {
            name: value if name.lower() in _PUBLIC_HEADERS else REDACTED
            for name, value in self.headers.items()
        }
        return RequestSummary(self.method, self.public_url, headers)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: its status, its headers and at most the first 64 KiB of its body."""

    status_code: int
    headers: httpx.Headers
    body: bytes
    received_at: datetime
    broken: bool = False
    """Whether the connection or the time ended before the body did."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @property
    def is_html(self) -> bool:
        """Whether the body is a page for people: a login form, a proxy's error."""
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.body.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))

    def json(self) -> Any:
        """Return the body as JSON, or None if it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object; an empty one if it is anything else."""
        value = self.json()
        return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class _Progress:
    """How far an exchange came, so that its end can be judged wherever it ended."""

    sent: bool = False
    status_code: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytearray = field(default_factory=bytearray)

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note when the body goes out: until then no server can have acted on the request."""
        request = info.get("request")
        if event.endswith("send_request_body.started") and getattr(request, "method", b"") != b"CONNECT":
            self.sent = True


async def exchange(
    request: PreparedRequest, *, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> Response | Verdict:
    """Send the request once and read the answer, all within the time; a verdict if there is no answer."""
    problem = _unsendable(request)
    if problem:
        return Verdict(Outcome.PERMANENT, problem)
    progress = _Progress()
    failure: Exception | None = None
    token = _sending.set(True)
    try:
        # httpx's own timeouts are per read: a server that drips would never run into them.
        async with asyncio.timeout(timeout_seconds):
            await _converse(request, progress, transport)
    except Exception as error:  # noqa: BLE001 - whatever the network does must end in a verdict
        failure = error
    finally:
        _sending.reset(token)
    if progress.status_code:
        return Response(
            progress.status_code,
            progress.headers,
            bytes(progress.body),
            datetime.now(UTC),
            broken=failure is not None,
        )
    return judge_failure(failure, sent=progress.sent, timeout_seconds=timeout_seconds)


def _unsendable(request: PreparedRequest) -> str:
    problem = url_problem(request.url)
    if problem:
        return f"the address of the connector {problem}"
    for name, value in request.headers.items():
        if name.lower() in _FRAMING:
            return f"the header {name} must not be configured; it is set for every request"
        if not (value.isascii() and value.isprintable()):
            return f"the header {name} holds a line break or a character that no header can carry"
    return ""


async def _converse(
    request: PreparedRequest, progress: _Progress, transport: httpx.AsyncBaseTransport | None
) -> None:
    client = httpx.AsyncClient(
        verify=_tls_context(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")),
        trust_env=not is_loopback(
            httpx.URL(request.url).host
        ),  # a proxy cannot reach this machine's loopback
        follow_redirects=False,  # a 307 would replay the secrets to another host
        timeout=None,  # noqa: S113 - the caller's deadline covers the whole exchange
        transport=transport,
    )
    # Uncompressed, so that the limit on the body holds and nothing can blow up.
    headers = {"user-agent": "rollback-drills", "accept-encoding": "identity", **request.headers}
    async with (
        client,
        client.stream(
            request.method,
            request.url,
            headers=headers,
            content=request.content or None,
            extensions={"trace": progress.trace},
        ) as response,
    ):
        progress.headers = response.headers
        progress.status_code = response.status_code
        async for chunk in response.aiter_raw():
            progress.body += chunk[: LARGEST_BODY_READ - len(progress.body)]
            if len(progress.body) >= LARGEST_BODY_READ:
                break


@functools.lru_cache(maxsize=4)
def _tls_context(cert_file: str, cert_dir: str) -> ssl.SSLContext:
    """Make the context once per setting: reading the certificates costs more than a request.

    The two variables are how httpx is told a private CA: https://www.python-httpx.org/environment_variables/
    """
    del cert_file, cert_dir  # read by httpx itself; they are arguments so that a change makes a new context
    return httpx.create_ssl_context()
