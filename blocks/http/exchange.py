"""One HTTP request and its answer, under one deadline: an answer or a verdict, never an exception."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpx

from blocks.addresses import parse_url, url_problem
from blocks.http.broken_answers import UnreadableAnswerError, status_so_far
from blocks.http.client import Progress, open_client
from blocks.http.failures import judge_failure
from blocks.http.json_values import Json, JsonObject, as_object
from blocks.http.unpacking import unpack
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.redaction.redactor import REDACTED

LARGEST_BODY_READ: Final = 64 * 1024
ANY_JSON: Final = {"accept": "application/json", "content-type": "application/json"}
_PUBLIC_HEADERS: Final = frozenset(
    {"accept", "content-type", "user-agent", "idempotency-key", "webhook-id", "webhook-timestamp"}
)
_HEADER_NAME: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110, 5.6.2
_FRAMING: Final = frozenset(
    {
        *("connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding"),
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request as it will be sent, and its URL as it may be shown."""

    method: str
    url: str = field(repr=False)
    public_url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    only_reads: bool = False
    """Whether it changes nothing at the provider, so that it may be repeated when no answer comes."""

    def summary(self) -> RequestSummary:
        """Describe the request for evidence; only headers that are known to be harmless show a value."""
        headers = {
            name: value if name.lower() in _PUBLIC_HEADERS else REDACTED
            for name, value in self.headers.items()
        }
        return RequestSummary(self.method, self.public_url, headers)


def api_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes,
    *,
    only_reads: bool | None = None,
) -> PreparedRequest:
    """Build a request to an API whose address is no secret; by default a GET only reads."""
    reads = method == "GET" if only_reads is None else only_reads
    return PreparedRequest(method, url, url, {**ANY_JSON, **headers}, content, reads)


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

    def json(self) -> Json:
        """Return the body as JSON, or None if it is not."""
        try:
            value: Json = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value

    def json_object(self) -> JsonObject:
        """Return the body as a JSON object; an empty one if it is anything else."""
        return as_object(self.json())


async def exchange(request: PreparedRequest, *, timeout_seconds: float) -> Response | Verdict:
    """Send the request once and read the answer, all within the time; a verdict if there is no answer."""
    problem = find_problem(request)
    if problem:
        return Verdict(Outcome.PERMANENT, problem)
    progress = Progress()
    status, headers, body = 0, httpx.Headers(), bytearray()
    failure: Exception | None = None
    status_so_far.set(0)
    try:
        # Timeouts of aiohttp are per read: a server that drips would never run into them.
        async with (
            asyncio.timeout(timeout_seconds),
            open_client() as client,
            client.send(
                request.method, parse_url(request.url), request.headers, request.content, progress
            ) as answer,
        ):
            status, headers = answer.status, httpx.Headers(answer.raw_headers)
            async for chunk in answer.content.iter_any():
                body += chunk[: LARGEST_BODY_READ - len(body)]
                if len(body) >= LARGEST_BODY_READ:
                    break
    except UnreadableAnswerError as error:
        status, failure = error.status, error
    except TimeoutError as error:
        status, failure = status or status_so_far.get(), error
    except Exception as error:  # noqa: BLE001 - whatever the network does must end in a verdict
        failure = error
    if not status:
        sent = progress.sent and not request.only_reads
        return judge_failure(failure, sent=sent, timeout_seconds=timeout_seconds, proxy=progress.proxy)
    content = unpack(bytes(body), headers.get("content-encoding", ""), LARGEST_BODY_READ)
    return Response(status, headers, content, datetime.now(UTC), broken=failure is not None)


def find_problem(request: PreparedRequest) -> str:
    """Return why a request can never be sent, without quoting it; empty if it can."""
    problem = url_problem(request.url)
    if problem:
        return f"the address of the connector {problem}"
    names = {name.lower() for name in request.headers}
    if "authorization" in names and parse_url(request.url).userinfo:
        return "the address has a user name, and an authorization is configured too; remove one of them"
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            return "a configured header has an impossible name"
        if name.lower() in _FRAMING:
            return f"the header {name} must not be configured; every request sets it"
        if not (value.isascii() and value.isprintable()):
            return f"the header {name} has a line break or a character that is not allowed in headers"
    return ""
