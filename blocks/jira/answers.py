"""Reads answers of Jira: issues, transitions, and reasons for refusals."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus

from blocks.http.exchange import Response
from blocks.http.json_values import JsonObject, as_list, as_object
from blocks.http.responses import (
    UNAUTHORIZED,
    clamp_wait,
    judge_addition,
    judge_lacking,
    judge_status,
    with_wait,
)
from blocks.jira.requests import is_issue_key
from rollback_drills.notifications.outcome import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that a search has found."""

    key: str
    is_done: bool


def judge_refusal(response: Response) -> Verdict:
    """Judge a refused request, with the time to wait."""
    status, body = response.status_code, response.json_object()
    messages = [str(message) for message in as_list(body.get("errorMessages"))]
    messages += [f"{field}: {message}" for field, message in as_object(body.get("errors")).items()]
    if limit := response.headers.get("ratelimit-reason"):
        messages.append(f"the limit is {limit}")
    # A locked account answers 401 or 403 with X-Authentication-Denied-Reason: trying again keeps it locked.
    denied = response.headers.get("x-authentication-denied-reason", "")
    dead = UNAUTHORIZED | ({status} if denied else frozenset())
    if denied:
        messages.append("sign in with a browser once and solve the captcha")
    verdict = judge_status(response, dead=dead, hint="; ".join(messages) or None)
    if status == HTTPStatus.CONFLICT:  # somebody else is changing the issue
        return replace(verdict, outcome=Outcome.RETRY)
    return with_wait(verdict, _seconds_until_reset(response))


def judge_refused_addition(response: Response) -> Verdict:
    """Judge a refused issue or comment; after some errors it was created nevertheless."""
    return judge_addition(response, judge_refusal(response))


def not_jira(response: Response, lacks: str) -> Verdict:
    """Judge a success without the content of an answer of Jira."""
    return judge_lacking(response, f"{lacks}; is this jira's address?")


def judge_account(response: Response) -> Verdict:
    """Accept a 2xx that names an account as proof that the token works."""
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    if {"accountId", "name", "key"} & response.json_object().keys():
        return Verdict(Outcome.DELIVERED, "signed in", response.status_code)
    return not_jira(response, "an account")


def judge_comment(response: Response, key: str) -> Verdict:
    """Count a 2xx with the id of the new comment as delivered."""
    status = response.status_code
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refused_addition(response)
    if not response.json_object().get("id"):
        return not_jira(response, "a comment")
    return Verdict(Outcome.DELIVERED, f"commented on {key}", status, external_ref=key)


def read_issues(response: Response, label: str) -> list[Issue] | Verdict:
    """Read what a search found; an issue without the label is not ours."""
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    issues = response.json_object().get("issues")
    if not isinstance(issues, list):
        return not_jira(response, "issues")
    found = [as_object(issue) for issue in issues]
    return [
        Issue(key, _is_done(issue))
        for issue in found
        if is_issue_key(key := issue.get("key"))
        and label in as_list(as_object(issue.get("fields")).get("labels"))
    ]


def read_is_done(response: Response) -> bool | Verdict:
    """Read whether the status of an issue is of the category "done"."""
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    issue = response.json_object()
    return _is_done(issue) if is_issue_key(issue.get("key")) else not_jira(response, "an issue")


def read_transition(response: Response, wanted: str) -> str | Verdict:
    """Choose the transition that is wanted, or else the first that ends in "done"; empty if there is none."""
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_refusal(response)
    listed = response.json_object().get("transitions")
    if not isinstance(listed, list):
        return not_jira(response, "transitions")
    transitions = [as_object(transition) for transition in listed]
    for transition in transitions:
        names = {str(transition.get("id")), str(transition.get("name")).casefold()}
        if wanted.casefold() in names if wanted else _ends_done(as_object(transition.get("to"))):
            return str(transition.get("id"))
    return ""


def _is_done(issue: JsonObject) -> bool:
    return _ends_done(as_object(as_object(issue.get("fields")).get("status")))


def _ends_done(status: JsonObject) -> bool:
    return as_object(status.get("statusCategory")).get("key") == "done"


def _seconds_until_reset(response: Response) -> float | None:
    """Read the moment, in ISO 8601, when a limit of Jira Cloud is reset (JRACLOUD-69262)."""
    try:
        reset = datetime.fromisoformat(response.headers.get("x-ratelimit-reset", "").strip())
    except ValueError:
        return None
    reset = reset if reset.tzinfo else reset.replace(tzinfo=UTC)
    return clamp_wait((reset - response.received_at).total_seconds())
