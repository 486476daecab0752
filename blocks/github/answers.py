"""Reads answers of GitHub: issues, and reasons for refusals."""

import re
from http import HTTPStatus
from typing import Final

from blocks.github.requests import is_issue_number
from blocks.http.exchange import LARGEST_BODY_READ, Response
from blocks.http.json_values import JsonObject, as_list, as_object
from blocks.http.responses import (
    UNAUTHORIZED,
    join_texts,
    judge_addition,
    judge_lacking,
    judge_status,
    retry_after_seconds,
    retry_at_epoch_seconds,
)
from rollback_drills.notifications.outcome import Outcome, Verdict

# https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
_SECONDARY_LIMIT_SECONDS: Final = 60.0
_LIMIT = re.compile(r"rate limit|abuse detection", re.IGNORECASE)
_LIMITED: Final = frozenset({403, 429})

# After every server error of GitHub, a 503 too, the addition is looked for.
_UNTOUCHED: Final[frozenset[int]] = frozenset()
_GONE: Final = frozenset({HTTPStatus.GONE})  # issues are off


def judge_refusal(response: Response, *, dead: frozenset[int] = UNAUTHORIZED) -> Verdict:
    """Judge a refused request; a 403 is often a rate limit."""
    status, body = response.status_code, response.json_object()
    message = body.get("message")
    hint = join_texts(message, *map(str, as_list(body.get("errors")))) or None
    if status in _LIMITED:
        is_used_up = response.headers.get("x-ratelimit-remaining", "").strip() == "0"
        wait = retry_after_seconds(response)
        if wait is None and is_used_up:
            wait = retry_at_epoch_seconds(response, "x-ratelimit-reset")
        is_limit = wait is not None or is_used_up or _LIMIT.search(response.text) is not None
        if is_limit or status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = _SECONDARY_LIMIT_SECONDS if wait is None else wait
            return Verdict(Outcome.RETRY, f"answered {status}: {hint or 'rate limit'}", status, wait)
    if status == HTTPStatus.NOT_FOUND:
        hint = f"{hint or 'not found'} (the repository does not exist, or the token cannot see it)"
    return judge_status(response, dead=dead, hint=hint)


def judge_created(response: Response) -> Verdict:
    """Count a 201 with the number of the new issue as delivered."""
    status = response.status_code
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        refusal = judge_refusal(response, dead=UNAUTHORIZED | _GONE)
        return judge_addition(response, refusal, untouched=_UNTOUCHED)
    number = str(response.json_object().get("number"))
    if status == HTTPStatus.CREATED and is_issue_number(number):
        return Verdict(Outcome.DELIVERED, f"created #{number}", status, external_ref=number)
    return not_github(response, "an issue")


def judge_comment(response: Response, number: str) -> Verdict:
    """Count a 201 with the id of the new comment as delivered."""
    status = response.status_code
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_addition(response, judge_refusal(response), untouched=_UNTOUCHED)
    if status == HTTPStatus.CREATED and response.json_object().get("id"):
        return Verdict(Outcome.DELIVERED, f"commented on #{number}", status, external_ref=number)
    return not_github(response, "a comment")


def judge_repository(response: Response) -> Verdict:
    """Accept a repository that has issues as proof that the token can see it."""
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    repository = response.json_object()
    if "full_name" not in repository:
        return not_github(response, "a repository")
    for setting, is_wrong in (("has_issues", False), ("archived", True)):
        if repository.get(setting) is is_wrong:
            detail = f"issues cannot be created: {setting} is {str(is_wrong).lower()}"
            return Verdict(Outcome.DISABLED, detail, response.status_code)
    return Verdict(Outcome.DELIVERED, "the repository can be read", response.status_code)


def not_github(response: Response, lacks: str) -> Verdict:
    """Judge a success without the content of an answer of GitHub."""
    return judge_lacking(response, f"{lacks}; check api_url")


def is_cut(response: Response) -> bool:
    """Whether an answer was too long to be read to its end."""
    return response.status_code == HTTPStatus.OK and len(response.body) >= LARGEST_BODY_READ


def read_items(response: Response) -> list[JsonObject] | Verdict:
    """Read a page of a listing; a verdict that failed if it is none."""
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    items = response.json()
    if not isinstance(items, list):
        return not_github(response, "a list")
    return [as_object(item) for item in items]
