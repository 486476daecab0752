"""Jira Service Management Operations, formerly Opsgenie: one alert per cycle and owner."""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final, Literal
from urllib.parse import quote

from pydantic import Field, HttpUrl

from blocks.addresses import site_problem
from blocks.http.connector import Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response, api_request
from blocks.http.json_values import JsonObject, to_json
from blocks.http.responses import judge_lacking, judge_status, retry_in_seconds, with_wait
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import escape_within, fit, one_line, plain_text, reference, shorten
from blocks.trial import trial_notification
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

# Limits: https://docs.opsgenie.com/docs/alert-api
_LONGEST_MESSAGE: Final = 130
_LONGEST_ALIAS: Final = 512
_LONGEST_DESCRIPTION: Final = 15_000
_LONGEST_ENTITY: Final = 512

_SENDER: Final = "rollback-drills"

# The key is wrong, the plan does not include the api, or the key may not do this.
_DEAD: Final = frozenset({401, 402, 403})


class JsmConnector(HttpConnector):
    """Opens and closes alerts through an API integration of Jira Service Management or Opsgenie."""

    _block_type_name: ClassVar[str | None] = "Rollback drills: Jira Service Management Operations"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-jsm"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://docs.opsgenie.com/docs/alert-api")

    api_key: SecretBlock = Field(
        title="API key", description="Key of the API integration, not an Atlassian API token."
    )
    priority: Literal["P1", "P2", "P3", "P4", "P5"] = Field(
        default="P5", description="Priority of every alert, from P1 (critical) to P5 (informational)."
    )
    api_url: str = Field(
        default="https://api.atlassian.com/jsm/ops/integration",
        description=(
            "Address of the integration API; https://api.opsgenie.com or https://api.eu.opsgenie.com for"
            " Opsgenie, which ends on 2027-04-05."
        ),
    )
    title: str = Field(default="", max_length=60, description="Prefix of every message.")

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        return site_problem(self.api_url, "the api_url of jsm")

    def deduplicates(self, notification: Notification) -> bool:
        """Whether a second request joins the alert of the first: an alias has one open alert."""
        del notification
        return True

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that opens the alert, counts it once more, or closes it."""
        del now
        if notification.is_closing:
            return self._closing(notification)
        return self._request("/v2/alerts", self._alert(notification))

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Send the request; the alert is known by its alias from then on."""
        verdict = yield from super().converse(notification, now=now)
        if verdict.succeeded:
            return replace(verdict, external_ref=reference(notification, _LONGEST_ALIAS))
        return verdict

    def judge(self, response: Response) -> Verdict:
        """Count only a 202 with a request id as accepted."""
        status, body = response.status_code, response.json_object()
        if status < HTTPStatus.MULTIPLE_CHOICES:
            request_id = body.get("requestId")
            if status == HTTPStatus.ACCEPTED and isinstance(request_id, str) and request_id:
                return Verdict(Outcome.ACCEPTED, f"answered 202: queued as request {request_id}", status)
            return judge_lacking(response, "a request id; check the api_url")
        message = body.get("message")
        verdict = judge_status(response, dead=_DEAD, hint=message if isinstance(message, str) else None)
        # How long the account is throttled: https://docs.opsgenie.com/docs/api-rate-limiting
        return with_wait(verdict, retry_in_seconds(response, "x-ratelimit-period-in-sec"))

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Build a request that notifies nobody: it closes an alert that does not exist."""
        del now
        return self._closing(trial_notification(self.name))

    def _closing(self, notification: Notification) -> PreparedRequest:
        alias = quote(reference(notification, _LONGEST_ALIAS), safe="")
        note = fit(notification, _description, _LONGEST_DESCRIPTION)
        return self._request(
            f"/v2/alerts/{alias}/close?identifierType=alias",
            {"user": _SENDER, "source": _SENDER, "note": note},
        )

    def _request(self, path: str, document: JsonObject) -> PreparedRequest:
        url = self.api_url.rstrip("/") + path
        headers = {"authorization": f"GenieKey {open_secret(self.api_key)}"}
        return api_request("POST", url, headers, to_json(document))

    def _alert(self, notification: Notification) -> JsonObject:
        return {
            "message": escape_within(
                one_line(f"{self.title} {notification.title}"), _LONGEST_MESSAGE, _without_markup
            ),
            "alias": reference(notification, _LONGEST_ALIAS),
            "description": fit(notification, _description, _LONGEST_DESCRIPTION),
            "priority": self.priority,
            "source": _SENDER,
            "entity": shorten(one_line(notification.schedule_id), _LONGEST_ENTITY),
            "tags": ["rollback-drill"],
            "details": {
                "notification_id": notification.notification_id,
                "reason": str(notification.reason),
                "may_repeat": str(notification.may_repeat).lower(),  # details are texts only
                "alert_level": notification.alert_level,
                "cycle_id": notification.cycle_id,
                "plan_id": notification.plan_id,
            },
        }


def _description(notification: Notification) -> str:
    return _without_markup(plain_text(notification))


def _without_markup(text: str) -> str:
    """Keep `<` from opening a tag: Opsgenie shows HTML, while others would show an escape as it stands.

    https://docs.opsgenie.com/docs/alerts-and-alert-fields
    """
    return text.replace("<", "<\N{ZERO WIDTH SPACE}")
