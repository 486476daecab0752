"""ServiceNow: one record per notification, through the Table API."""

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
from blocks.responses import judge_status, retry_after_seconds, retry_at_epoch_seconds
from blocks.text import fit, one_line, reference, shorten, to_json
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.notification import Notification

_LONGEST_TITLE: Final = 160  # short_description of a task
_LONGEST_CORRELATION: Final = 100
_LONGEST_DESCRIPTION: Final = 4000  # by default; the rest would be cut without a word
_RECORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ServiceNowConnector(Connector):
    """Creates a record in a ServiceNow table.

    Example:
        ```python
        from blocks.servicenow import ServiceNowConnector

        connector = ServiceNowConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: ServiceNow"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-servicenow"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html"
    )

    site_url: str = Field(description="Address of the instance.")
    credential: SecretBlock = Field(description="Password, OAuth access token or API key.")
    authentication: Literal["basic", "bearer", "api-key"] = Field(
        default="basic", description="What the credential is: basic (password), bearer (token) or api-key."
    )
    user: str = Field(default="", description="User to whom a password belongs; unused otherwise.")
    table: str = Field(default="incident", pattern=r"^[a-z0-9_]+$", description="Table that gets the record.")
    title: str = Field(default="", max_length=60, description="Text put before every short description.")
    extra_fields: dict[str, str] = Field(
        default_factory=dict, description="Further fields of the record, such as assignment_group."
    )

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        problem = site_problem(self.site_url, "the site_url of servicenow")
        if not problem and self.authentication == "basic" and not self.user:
            return "servicenow needs the user to whom the password belongs"
        return problem

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that creates the record."""
        del now
        # Only the two fields we read come back, instead of the whole record.
        return self._request("POST", "sysparm_fields=sys_id,number", to_json(self._record(notification)))

    def judge(self, response: Response) -> Verdict:
        """Take a 2xx with the id of the new record for a delivery."""
        status = response.status_code
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return _judge_refusal(response)
        if response.is_html:
            return Verdict(Outcome.PERMANENT, _page(status), status)
        result = response.json_object().get("result")
        record = result if isinstance(result, dict) else {}
        for key in ("number", "sys_id"):
            name = record.get(key)
            if isinstance(name, str) and _RECORD.fullmatch(name):
                return Verdict(Outcome.DELIVERED, f"created {name}", status, external_ref=name)
        return Verdict(Outcome.PERMANENT, f"answered {status} without a record; is this a table api?", status)

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Read one row of the table."""
        del now
        return self._request("GET", "sysparm_limit=1&sysparm_fields=sys_id")

    def judge_trial(self, response: Response) -> Verdict:
        """Take a 2xx with a list for proof that the table can be read."""
        status = response.status_code
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return _judge_refusal(response)
        if response.is_html:
            return Verdict(Outcome.PERMANENT, _page(status), status)
        if isinstance(response.json_object().get("result"), list):
            return Verdict(Outcome.DELIVERED, f"table {self.table} can be read", status)
        return Verdict(Outcome.PERMANENT, f"answered {status} without rows; is this a table api?", status)

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        credential = open_secret(self.credential)
        return [credential, f"{self.user}:{credential}"]

    def _request(self, method: str, query: str, content: bytes = b"") -> PreparedRequest:
        url = f"{self.site_url.rstrip('/')}/api/now/table/{self.table}?{query}"
        return PreparedRequest(method, url, url, {**ANY_JSON, **self._authorization()}, content)

    def _authorization(self) -> dict[str, str]:
        credential = open_secret(self.credential)
        match self.authentication:
            case "api-key":
                return {"x-sn-apikey": credential}
            case "bearer":
                return {"authorization": f"Bearer {credential}"}
            case "basic":
                return {"authorization": "Basic " + b64encode(f"{self.user}:{credential}".encode()).decode()}

    def _record(self, notification: Notification) -> Mapping[str, Any]:
        title = one_line(f"{self.title} {notification.title}")
        return {
            "urgency": "3",
            "impact": "3",
            **self.extra_fields,
            "short_description": shorten(title, _LONGEST_TITLE),
            "description": fit(notification, _description, _LONGEST_DESCRIPTION),
            "correlation_id": reference(notification, _LONGEST_CORRELATION),
            "correlation_display": "rollback-drills",
        }


def _description(notification: Notification) -> str:
    facts = "\n".join(f"{label}: {value}" for label, value in notification.facts)
    footer = f"Notification {notification.notification_id}"
    return "\n\n".join(filter(None, (notification.summary, facts, notification.acknowledge, footer)))


def _judge_refusal(response: Response) -> Verdict:
    error = response.json_object().get("error")
    messages = [error.get("message"), error.get("detail")] if isinstance(error, dict) else [error]
    hint = "; ".join(text for text in messages if isinstance(text, str) and text)
    verdict = judge_status(response, hint=hint or None)
    if verdict.outcome is not Outcome.RETRY or retry_after_seconds(response) is not None:
        return verdict
    wait = retry_at_epoch_seconds(response, "x-ratelimit-reset")
    return Verdict(verdict.outcome, verdict.detail, verdict.status_code, wait)


def _page(status: int) -> str:
    return f"answered {status} with an html page: a login form, or an instance that sleeps"
