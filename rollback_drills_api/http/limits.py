"""What one caller may ask for: the rate of requests, clear queries, and the size and depth of bodies."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import Message, Receive

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.strict_json import check_strictly, parse_strictly
from rollback_drills_api.problems import Problem

LARGEST_BODY: Final = 1024 * 1024
_BODY_WITHIN_SECONDS: Final = 30.0
_MOST_PARAMETERS: Final = 50
_MOST_CALLERS: Final = 10_000
_BURST_SECONDS: Final = 2.0
_NUL_ESCAPED: Final = r"\u0000"
"""The only way in which JSON can hold a NUL character."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """A token bucket for each caller; beyond ten thousand, those seen longest ago are forgotten."""

    def __init__(self, per_second: float) -> None:
        """Let each caller make so many requests a second, and twice as many in one go."""
        self._per_second = per_second
        self._most = max(1.0, per_second * _BURST_SECONDS)
        self._buckets: dict[str, _Bucket] = {}

    def take(self, caller: str, *, now: float) -> float:
        """Take a request of a caller; return 0 if it may go on, else after how many seconds the next may.

        Args:
            caller: Who asks.
            now: Seconds of a clock that never goes back.
        """
        bucket = self._buckets.pop(caller, None) or _Bucket(self._most, now)
        bucket.tokens = min(self._most, bucket.tokens + (now - bucket.at) * self._per_second)
        bucket.at = now
        self._buckets[caller] = bucket  # the one seen last stands last
        if len(self._buckets) > _MOST_CALLERS:
            del self._buckets[next(iter(self._buckets))]
        if bucket.tokens < 1.0:
            return (1.0 - bucket.tokens) / self._per_second
        bucket.tokens -= 1.0
        return 0.0


def check_query(query: bytes) -> None:
    """Refuse a parameter that stands there twice: one of them would count, and nobody would know which.

    Raises:
        Problem: One does, or they are too many, or one holds a NUL character.
    """
    if query.count(b"&") >= _MOST_PARAMETERS:
        detail = f"the query has more than {_MOST_PARAMETERS} parameters"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    seen = set()
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if "\0" in name or "\0" in value:
            detail = f"the query parameter {show(name)} holds a NUL character; remove it"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        if name in seen:
            detail = f"the query parameter {show(name)} is there more than once; send it once"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        seen.add(name)


async def read_body(receive: Receive, content_length: str | None) -> bytes:
    """Read a body as it comes, and no further than its limit.

    Raises:
        Problem: It is too large or too slow, or its length is no number.
    """
    if content_length is not None:
        if not (content_length.isascii() and content_length.isdigit()):
            raise Problem(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
        _check_size(int(content_length[:20]))
    parts, size, has_more = [], 0, True
    try:
        async with asyncio.timeout(_BODY_WITHIN_SECONDS):
            while has_more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(HTTPStatus.BAD_REQUEST, "the body ended early")
                part = message.get("body", b"")
                size += len(part)
                _check_size(size)
                parts.append(part)
                has_more = message.get("more_body", False)
    except TimeoutError:
        late = f"the body did not arrive within {_BODY_WITHIN_SECONDS:g} s"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, late, headers={"connection": "close"}) from None
    return b"".join(parts)


def _check_size(size: int) -> None:
    if size > LARGEST_BODY:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {LARGEST_BODY:,} bytes; send less"
        )


def check_json(body: bytes) -> None:
    """Ensure that a body is a JSON object of which every reader understands the same, and not nested deeply.

    Raises:
        Problem: It is not.
    """
    try:
        text = body.decode()
        parsed = parse_strictly(text)
        check_strictly(parsed, ())
    except UnicodeDecodeError:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is not UTF-8") from None
    except JSONDecodeError as error:
        problem = f"is not JSON (line {error.lineno}, column {error.colno})"
        if text.startswith("\ufeff"):
            problem = "begins with a byte order mark, which JSON does not have; leave it out"
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body {problem}") from None
    except UsageError as error:
        detail = str(error).removesuffix("; no record is")
        if not detail.startswith("$"):
            detail = "the body is nested too deeply"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
    if not isinstance(parsed, dict):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "$: must be an object")
    if _NUL_ESCAPED in text:
        for loc in _find_nul(parsed, ()):
            detail = f"{json_path(loc)} holds a NUL character, which no database stores; remove it"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _find_nul(value: Any, place: Location) -> Iterator[Location]:
    if isinstance(value, str):
        if "\0" in value:
            yield place
    elif isinstance(value, dict):
        for key, each in value.items():
            if "\0" in key:
                yield (*place, key)
            yield from _find_nul(each, (*place, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _find_nul(each, (*place, index))


def replay(body: bytes, receive: Receive) -> Receive:
    """Replay a body to whoever reads next."""
    pending = [body]

    async def again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return again
