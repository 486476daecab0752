"""Jira: one issue per notification, in Cloud or in Data Center."""

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, HttpUrl

from blocks.addresses import site_problem
from blocks.connector import ANY_JSON, Connector, SecretBlock, open_secret
from blocks.exchange import PreparedRequest, Response
from blocks.jira_text import adf_document, wiki_text
from blocks.responses import UNAUTHORIZED, judge_status
from blocks.text import fit, one_line, reference, shorten, to_json
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.notification import Notification

_LONGEST_SUMMARY: Final = 255
_LONGEST_LABEL: Final = 255
_LARGEST_ISSUE: Final = 30_000  # a description may have 32 767 characters
_ISSUE_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*-\d+")


class JiraConnector(Connector):
    """Creates an issue in a Jira project.

    Example:
        ```python
        from blocks.jira import JiraConnector

        connector = JiraConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Jira"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-jira"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/"
    )

    deployment: Literal["cloud", "datacenter"] = Field(description="Which Jira it is: cloud or datacenter.")
    site_url: str = Field(
        description="Address of the site; of a scoped token https://api.atlassian.com/ex/jira/{cloud id}."
    )
    project: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="Key of the project.")
    token: SecretBlock = Field(description="API token (Cloud) or personal access token (Data Center).")
    email: str = Field(
        default="", description="Account to which a Cloud API token belongs; unused in Data Center."
    )
    issue_type: str = Field(default="Task", min_length=1, description="Name of the issue type.")
    title: str = Field(default="", max_length=60, description="Text put before every summary.")
    labels: list[str] = Field(default_factory=list, description="Further labels, without spaces.")
    extra_fields: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of the issue, as the REST API names them."
    )

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        problem = site_problem(self.site_url, "the site_url of jira")
        if problem:
            return problem
        if self.deployment == "cloud" and not self.email:
            return "jira cloud needs the email of the account that owns the token"
        if any(label != "".join(label.split()) or not label for label in self.labels):
            return "a label of jira must not be empty or hold a space"
        return ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that creates the issue."""
        del now
        content = fit(notification, lambda shorter: to_json(self._issue(shorter)), _LARGEST_ISSUE)
        return self._request("POST", "issue", content)

    def judge(self, response: Response) -> Verdict:
        """Take a 2xx with the key of the new issue for a delivery."""
        status = response.status_code
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return _judge_refusal(response)
        key = response.json_object().get("key")
        if isinstance(key, str) and _ISSUE_KEY.fullmatch(key):
            return Verdict(Outcome.DELIVERED, f"created {key}", status, external_ref=key)
        return Verdict(
            Outcome.PERMANENT, f"answered {status} without an issue key; is this jira's address?", status
        )

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Ask who we are: a search would be answered even to nobody."""
        del now
        return self._request("GET", "myself")

    def judge_trial(self, response: Response) -> Verdict:
        """Take a 2xx that names an account for proof that the token works."""
        status = response.status_code
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return _judge_refusal(response)
        if {"accountId", "name", "key"} & response.json_object().keys():
            return Verdict(Outcome.DELIVERED, "signed in", status)
        return Verdict(
            Outcome.PERMANENT, f"answered {status} without an account; is this jira's address?", status
        )

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        token = open_secret(self.token)
        return [token, f"{self.email}:{token}"]

    def _request(self, method: str, resource: str, content: bytes = b"") -> PreparedRequest:
        version = 3 if self.deployment == "cloud" else 2
        url = f"{self.site_url.rstrip('/')}/rest/api/{version}/{resource}"
        headers = {**ANY_JSON, "authorization": self._authorization()}
        return PreparedRequest(method, url, url, headers, content)

    def _authorization(self) -> str:
        token = open_secret(self.token)
        if self.deployment == "datacenter":
            return f"Bearer {token}"
        return "Basic " + b64encode(f"{self.email}:{token}".encode()).decode()

    def _issue(self, notification: Notification) -> Mapping[str, Any]:
        is_cloud = self.deployment == "cloud"
        title = one_line(f"{self.title} {notification.title}")
        fields = {
            **self.extra_fields,
            "project": {"key": self.project},
            "issuetype": {"name": self.issue_type},
            "summary": shorten(title, _LONGEST_SUMMARY),
            "description": adf_document(notification) if is_cloud else wiki_text(notification),
            "labels": ["rollback-drill", reference(notification, _LONGEST_LABEL), *self.labels],
        }
        if not is_cloud:
            return {"fields": fields}
        value = {
            "notification_id": notification.notification_id,
            "schedule_id": notification.schedule_id,
            "cycle_id": notification.cycle_id,
            "plan_id": notification.plan_id,
        }
        return {"fields": fields, "properties": [{"key": "rollback-drill", "value": value}]}


def _judge_refusal(response: Response) -> Verdict:
    body = response.json_object()
    listed, errors = body.get("errorMessages"), body.get("errors")
    messages = [str(message) for message in listed] if isinstance(listed, list) else []
    if isinstance(errors, dict):
        messages += [f"{field}: {message}" for field, message in errors.items()]
    # A locked account answers 401 or 403 with X-Authentication-Denied-Reason: trying again keeps it locked.
    denied = response.headers.get("x-authentication-denied-reason", "")
    dead = UNAUTHORIZED | ({response.status_code} if denied else frozenset())
    if denied:
        messages.append("sign in with a browser once and answer the captcha")
    return judge_status(response, dead=dead, hint="; ".join(messages) or None)
