"""Jira: one issue per cycle and owner, in Cloud or in Data Center."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, HttpUrl

from blocks.addresses import basic_authorization, site_problem
from blocks.http.connector import Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response
from blocks.http.json_values import JsonObject, fit_json
from blocks.jira.answers import judge_account, judge_comment, judge_refused_addition, not_jira
from blocks.jira.closing import close_issues, find_labelled, search_comment, search_end
from blocks.jira.requests import JiraRequests, is_issue_key
from blocks.jira.text import adf_comment, adf_document, wiki_comment, wiki_text
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import one_line, reference, shorten
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

_LONGEST_SUMMARY: Final = 255
_LONGEST_LABEL: Final = 255
_LARGEST_TEXT: Final = 30_000  # a description or comment may have 32 767 characters


class JiraConnector(HttpConnector):
    """Creates an issue in a Jira project, comments on it, and closes it."""

    _block_type_name: ClassVar[str | None] = "Rollback drills: Jira"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-jira"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/"
    )

    can_find: ClassVar[bool] = True

    deployment: Literal["cloud", "datacenter"] = Field(description="Kind of Jira: cloud or datacenter.")
    site_url: str = Field(
        description="Address of the site; https://api.atlassian.com/ex/jira/{cloud id} for a scoped token."
    )
    project: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="Key of the project.")
    token: SecretBlock = Field(
        title="API token", description="API token (Cloud) or personal access token (Data Center)."
    )
    email: str = Field(
        default="", description="Account that owns the Cloud API token; unused in Data Center."
    )
    issue_type: str = Field(default="Task", min_length=1, description="Name of the issue type.")
    done_transition: str = Field(
        default="",
        description="Name or id of the transition that closes an issue; default: the first to a done status.",
    )
    title: str = Field(default="", max_length=60, description="Prefix of every summary.")
    labels: list[str] = Field(default_factory=list, description="Further labels, without spaces.")
    extra_fields: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of the issue, as the REST API names them."
    )

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        problem = site_problem(self.site_url, "the site_url of jira", path="/rest/api/")
        if problem:
            return problem
        if self._is_cloud and not self.email:
            return "jira cloud requires the email of the account that owns the token"
        if any(label != "".join(label.split()) or not label for label in self.labels):
            return "a label of jira must not be empty or contain a space"
        return ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the first request: it creates the issue, comments on it, or begins to close it."""
        del now
        key = _issue_of(notification)
        if notification.is_closing:
            return self._requests.transitions(key) if key else self._requests.myself()
        if key:
            return self._requests.comment(key, self._comment(notification))
        return self._requests.create(fit_json(notification, self._issue, _LARGEST_TEXT))

    def judge(self, response: Response) -> Verdict:
        """Count a 2xx with the key of the new issue as delivered."""
        status = response.status_code
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return judge_refused_addition(response)
        key = response.json_object().get("key")
        if is_issue_key(key):
            return Verdict(Outcome.DELIVERED, f"created {key}", status, external_ref=key)
        return not_jira(response, "an issue key")

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Create the issue, comment on the existing one, or close it."""
        key = _issue_of(notification)
        if notification.is_closing:
            return (yield from self._close(notification, key))
        response = yield self.prepare(notification, now=now)
        return judge_comment(response, key) if key else self.judge(response)

    def search(self, notification: Notification, *, now: datetime) -> Conversation[Verdict | None]:
        """Look for an issue by its label, a reminder in the comments, a closing message by the status."""
        del now
        key = _issue_of(notification)
        if key and notification.is_closing:
            return (yield from search_end(self._requests, key))
        if key:
            return (yield from search_comment(self._requests, key, notification.notification_id))
        found = yield from find_labelled(self._requests, self.project, _label(notification))
        if isinstance(found, Verdict):
            return found
        if notification.is_closing or not found:
            return None  # closing what is closed already does no harm
        key = found[0].key
        return Verdict(Outcome.DELIVERED, f"{key} was created", HTTPStatus.OK, external_ref=key)

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Ask for our account."""
        del now
        return self._requests.myself()

    def judge_trial(self, response: Response) -> Verdict:
        """Accept a 2xx that names an account as proof that the token works."""
        return judge_account(response)

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        token = open_secret(self.token)
        return [token, f"{self.email}:{token}"]

    @property
    def _is_cloud(self) -> bool:
        return self.deployment == "cloud"

    @property
    def _requests(self) -> JiraRequests:
        token = open_secret(self.token)
        authorization = basic_authorization(self.email, token) if self._is_cloud else f"Bearer {token}"
        return JiraRequests(self.site_url, self._is_cloud, authorization)

    def _close(self, notification: Notification, key: str) -> Conversation[Verdict]:
        keys = [key]
        if not key:
            found = yield from find_labelled(self._requests, self.project, _label(notification))
            if isinstance(found, Verdict):
                return found
            keys = [issue.key for issue in found if not issue.is_done]
        return (
            yield from close_issues(self._requests, keys, self.done_transition, self._comment(notification))
        )

    def _comment(self, notification: Notification) -> bytes:
        write = adf_comment if self._is_cloud else wiki_comment
        return fit_json(notification, lambda shorter: {"body": write(shorter)}, _LARGEST_TEXT)

    def _issue(self, notification: Notification) -> JsonObject:
        title = one_line(f"{self.title} {notification.title}")
        fields: JsonObject = {
            **self.extra_fields,
            "project": {"key": self.project},
            "issuetype": {"name": self.issue_type},
            "summary": shorten(title, _LONGEST_SUMMARY),
            "description": adf_document(notification) if self._is_cloud else wiki_text(notification),
            "labels": ["rollback-drill", _label(notification), *self.labels],
        }
        if not self._is_cloud:
            return {"fields": fields}
        value: JsonObject = {
            "notification_id": notification.notification_id,
            "reason": notification.reason,
            "may_repeat": notification.may_repeat,
            "schedule_id": notification.schedule_id,
            "cycle_id": notification.cycle_id,
            "plan_id": notification.plan_id,
        }
        return {"fields": fields, "properties": [{"key": "rollback-drill", "value": value}]}


def _label(notification: Notification) -> str:
    return reference(notification, _LONGEST_LABEL)


def _issue_of(notification: Notification) -> str:
    """Return the key of the issue that was created before; empty if there is none."""
    return notification.earlier_ref if is_issue_key(notification.earlier_ref) else ""
