"""Conversations with GitHub that look for an issue or a comment."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from blocks.github.answers import is_cut, judge_refusal, not_github, read_items
from blocks.github.requests import GitHubRequests
from blocks.http.connector import Conversation
from blocks.http.exchange import PreparedRequest
from blocks.http.json_values import JsonObject
from rollback_drills.notifications.outcome import Outcome, Verdict

# What is looked for was sent not long ago, and is among the newest. Five issues fit in what is read.
_PAGE_SIZE: Final = 5
_MOST_PAGES: Final = 6


def first_page(github: GitHubRequests, listing: str) -> PreparedRequest:
    """Build the request with which `look_through` begins."""
    return github.page(listing, _PAGE_SIZE, 1)


def look_through(
    github: GitHubRequests, listing: str, marker: str
) -> Conversation[JsonObject | Verdict | None]:
    """Find the newest item of a listing with a marker; return a failed verdict if GitHub did not answer."""
    for page in range(1, _MOST_PAGES + 1):
        items = yield from _read_page(github, listing, page)
        if isinstance(items, Verdict):
            return items
        for item in items:
            if marker in str(item.get("body")) and "pull_request" not in item:
                return item
        if len(items) < _PAGE_SIZE:
            break
    return None


def search_end(github: GitHubRequests, number: str) -> Conversation[Verdict | None]:
    """Look whether an issue is closed."""
    response = yield github.issue(number)
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    state = response.json_object().get("state")
    if state not in ("open", "closed"):
        return not_github(response, "an issue")
    if state == "open":
        return None
    return Verdict(Outcome.DELIVERED, f"#{number} is closed", response.status_code, external_ref=number)


def _read_page(
    github: GitHubRequests, listing: str, page: int
) -> Conversation[Sequence[JsonObject] | Verdict]:
    response = yield github.page(listing, _PAGE_SIZE, page)
    if not is_cut(response):
        return read_items(response)
    items: list[JsonObject] = []
    for position in range((page - 1) * _PAGE_SIZE + 1, page * _PAGE_SIZE + 1):
        response = yield github.page(listing, 1, position)
        if is_cut(response):
            items.append({})  # longer than what is read, so it is not ours
            continue
        read = read_items(response)
        if isinstance(read, Verdict):
            return read
        items += read
    return items
