"""The meaning of an answer by default, and how long it asks to wait."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from blocks.http.exchange import Response
from rollback_drills.notifications.outcome import Outcome, Verdict

LONGEST_WAIT_SECONDS: Final = 3600.0
UNAUTHORIZED: Final = frozenset({401})
_HANDLES_NOTHING: Final = frozenset({503})  # RFC 9110, 15.6.4
_RETRYABLE_REFUSALS: Final = frozenset({407, 408, 425, 429})  # only a proxy on the way sends a 407
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def judge_status(
    response: Response, *, dead: AbstractSet[int] = UNAUTHORIZED, hint: str | None = None
) -> Verdict:
    """Judge an answer by its status alone.

    Args:
        response: The answer.
        dead: Statuses with which this provider says that the connector needs a person.
        hint: What the answer says about itself; by default its body.
    """
    status = response.status_code
    detail = f"answered {status}"
    hint = body_hint(response) if hint is None else hint
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict(Outcome.DELIVERED, detail, status)
    if hint:
        detail += f": {hint}"
    if status in dead:
        return disable(detail, status)
    if is_retryable(status):
        return Verdict(Outcome.RETRY, detail, status, retry_after_seconds(response))
    return Verdict(Outcome.PERMANENT, detail, status)


def is_retryable(status: int) -> bool:
    """Whether the same request may succeed later."""
    is_server_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    return is_server_error or status in _RETRYABLE_REFUSALS


def disable(detail: str, status: int) -> Verdict:
    """Return a verdict that disables the connector until a person fixes it."""
    return Verdict(Outcome.DISABLED, f"{detail}; fix the configuration of the connector", status)


def judge_lacking(response: Response, what: str) -> Verdict:
    """Judge a success that lacks what the provider promises; `what` names it and where to look."""
    status = response.status_code
    return Verdict(Outcome.PERMANENT, f"answered {status} without {what}", status)


def judge_ok(response: Response) -> Verdict:
    """Judge a 2xx of Slack or a compatible service: only a 200 whose body is `ok` is a delivery."""
    body = response.text.strip()
    if response.status_code == HTTPStatus.OK and body == "ok":
        return Verdict(Outcome.DELIVERED, "answered 200: ok", response.status_code)
    return judge_lacking(response, f"ok: {body}")


def judge_addition(
    response: Response, refusal: Verdict, *, untouched: AbstractSet[int] = _HANDLES_NOTHING
) -> Verdict:
    """Judge a refused addition: after a server error it may have been created, so it must be looked for.

    Args:
        response: The answer.
        refusal: What it would mean if nothing had been added.
        untouched: Statuses with which the server says that it has handled nothing.
    """
    status = response.status_code
    is_uncertain = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in untouched
    if is_uncertain and refusal.outcome is Outcome.RETRY:
        return replace(refusal, outcome=Outcome.AMBIGUOUS)
    return refusal


def body_hint(response: Response) -> str:
    """Return the body of a refusal in one line."""
    return "an html page" if response.is_html else " ".join(response.text.split())


def join_texts(*values: object, separator: str = "; ") -> str:
    """Join the non-empty texts among the values of an answer."""
    return separator.join(value for value in values if isinstance(value, str) and value)


def with_wait(verdict: Verdict, seconds: float | None) -> Verdict:
    """Add the wait from a provider's own header, unless `Retry-After` was set."""
    if verdict.outcome is Outcome.RETRY and verdict.retry_after_seconds is None:
        return replace(verdict, retry_after_seconds=seconds)
    return verdict


def retry_after_seconds(response: Response) -> float | None:
    """Read `Retry-After`, seconds or an HTTP date (RFC 9110, 10.2.3); None if absent or unreadable.

    A server and what stands before it may both ask for a wait: the longest counts.
    """
    asked = [_read_wait(value.strip(), response) for value in response.headers.get_list("retry-after")]
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _read_wait(value: str, response: Response) -> float | None:
    if _NUMBER.fullmatch(value):
        return clamp_wait(float(value))
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)  # RFC 9110: HTTP dates are GMT whatever they say
    return clamp_wait((until - response.received_at).total_seconds())


def retry_at_epoch_seconds(response: Response, header: str) -> float | None:
    """Read a header that holds the moment to go on, in seconds since 1970."""
    value = response.headers.get(header, "").strip()
    if not _NUMBER.fullmatch(value):
        return None
    return clamp_wait(float(value) - response.received_at.timestamp())


def retry_in_seconds(response: Response, header: str) -> float | None:
    """Read a header of the provider's own that holds whole seconds to wait."""
    value = response.headers.get(header, "").strip()
    return clamp_wait(float(value)) if value.isascii() and value.isdecimal() else None


def clamp_wait(seconds: float) -> float:
    """Keep a wait between now and one hour."""
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)
