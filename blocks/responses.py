"""What an HTTP status means when a provider has no rule of its own, and how long it asks to wait."""

import re
from collections.abc import Set as AbstractSet
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from blocks.exchange import Response
from rollback_drills.delivery.outcome import Outcome, Verdict

LONGEST_WAIT_SECONDS: Final = 3600.0
UNAUTHORIZED: Final = frozenset({401})
_RETRYABLE_REFUSALS: Final = frozenset({408, 425, 429})
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)


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
        return Verdict(Outcome.DISABLE, f"{detail} (mend the configuration of the connector)", status)
    is_server_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    if is_server_error or status in _RETRYABLE_REFUSALS:
        return Verdict(Outcome.RETRY, detail, status, retry_after_seconds(response))
    return Verdict(Outcome.PERMANENT, detail, status)


def body_hint(response: Response) -> str:
    """Say in one line what the body of a refusal holds."""
    return "an html page" if response.is_html else " ".join(response.text.split())


def retry_after_seconds(response: Response) -> float | None:
    """Read `Retry-After`, seconds or an HTTP date (RFC 9110, 10.2.3); None if absent or unreadable."""
    value = response.headers.get("retry-after", "").strip()
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


def clamp_wait(seconds: float) -> float:
    """Keep a wait between now and one hour."""
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)
