"""Conversations with Jira about existing issues: closing them, and looking for lost messages."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from blocks.http.connector import Conversation
from blocks.jira.answers import (
    Issue,
    judge_account,
    judge_comment,
    judge_refusal,
    not_jira,
    read_is_done,
    read_issues,
    read_transition,
)
from blocks.jira.requests import JiraRequests
from rollback_drills.notifications.outcome import Outcome, Verdict

_FOUND_FIELDS: Final = ("labels", "status")


def find_labelled(jira: JiraRequests, project: str, label: str) -> Conversation[list[Issue] | Verdict]:
    """Find the issues with a label; return a failed verdict if Jira did not answer."""
    # A search is answered to nobody too, with no issues: the token must be known to work.
    account = judge_account((yield jira.myself()))
    if not account.succeeded:
        return account
    return read_issues((yield jira.labelled(project, label, _FOUND_FIELDS)), label)


def search_comment(jira: JiraRequests, key: str, notification_id: str) -> Conversation[Verdict | None]:
    """Look for a notification among the latest comments of an issue."""
    response = yield jira.latest_comments(key)
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    # In the text, not in the document: of many long comments only the first 64 KiB were read.
    if '"comments"' not in response.text:
        return not_jira(response, "comments")
    if notification_id not in response.text:
        return None
    return Verdict(Outcome.DELIVERED, f"commented on {key}", response.status_code, external_ref=key)


def search_end(jira: JiraRequests, key: str) -> Conversation[Verdict | None]:
    """Look whether an issue is done."""
    is_done = read_is_done((yield jira.status(key)))
    if isinstance(is_done, Verdict):
        return is_done
    return Verdict(Outcome.DELIVERED, f"{key} is done", HTTPStatus.OK, external_ref=key) if is_done else None


def close_issues(
    jira: JiraRequests, keys: Sequence[str], wanted: str, comment: bytes
) -> Conversation[Verdict]:
    """Close issues, one after the other, until one cannot be closed."""
    verdict = Verdict(Outcome.DELIVERED, "no open issue was found")
    for key in keys:
        verdict = yield from _close(jira, key, wanted, comment)
        if not verdict.succeeded:
            break
    return verdict


def _close(jira: JiraRequests, key: str, wanted: str, comment: bytes) -> Conversation[Verdict]:
    transition_id = read_transition((yield jira.transitions(key)), wanted)
    if isinstance(transition_id, Verdict):
        return transition_id
    if not transition_id:
        missing = f"no transition {wanted!r}" if wanted else "no transition to a status of the category done"
        refusal = Verdict(Outcome.PERMANENT, f"{key} has {missing}; check done_transition", HTTPStatus.OK)
        return (yield from _unless_done(jira, key, refusal))
    response = yield jira.change_status(key, transition_id)
    if response.status_code == HTTPStatus.BAD_REQUEST:
        return (yield from _unless_done(jira, key, judge_refusal(response)))
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    if response.is_html:
        return not_jira(response, "the result of the transition")
    # Only now: a comment before it would be written again whenever the transition is tried again.
    noted = judge_comment((yield jira.comment(key, comment)), key)
    detail = f"closed {key}" if noted.succeeded else f"closed {key}, but the comment failed: {noted.detail}"
    return Verdict(Outcome.DELIVERED, detail, response.status_code, external_ref=key)


def _unless_done(jira: JiraRequests, key: str, refusal: Verdict) -> Conversation[Verdict]:
    """Count a refusal as delivered if somebody else has closed the issue."""
    is_done = read_is_done((yield jira.status(key)))
    if is_done is True:
        return Verdict(Outcome.DELIVERED, f"{key} was done already", HTTPStatus.OK, external_ref=key)
    return refusal
