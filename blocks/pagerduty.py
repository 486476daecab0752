"""PagerDuty, through the Events API v2: change events, which page nobody, or alerts, which do."""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final, Literal

from pydantic import Field, HttpUrl

from blocks.addresses import site_problem
from blocks.http.connector import Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response, api_request
from blocks.http.json_values import Json, JsonObject, as_list, fit_json
from blocks.http.responses import join_texts, judge_lacking, judge_status, with_wait
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import fact_lines, one_line, reference, shorten
from blocks.trial import trial_notification
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

# Limits: https://developer.pagerduty.com/docs/events-api-v2-overview and its pages on the two kinds of event
_LARGEST_EVENT: Final = 512_000
_LONGEST_SUMMARY: Final = 1024
_LONGEST_DEDUP_KEY: Final = 255

# "Preferably with a backoff of a few minutes", says the same page; no header is documented.
_PAUSE_SECONDS: Final = 120.0

_SEVERITIES: Final = {"critical": "critical", "warning": "warning"}


class PagerDutyConnector(HttpConnector):
    """Sends change events or alerts to one PagerDuty integration."""

    _block_type_name: ClassVar[str | None] = "Rollback drills: PagerDuty"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-pagerduty"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://developer.pagerduty.com/docs/events-api-v2-overview"
    )

    workers: ClassVar[int] = 4

    routing_key: SecretBlock = Field(
        title="Integration key", description="Integration key of an Events API v2 integration."
    )
    event_type: Literal["change", "alert"] = Field(
        default="change",
        description="What is sent: change (shown on the service, pages nobody) or alert (pages people).",
    )
    api_url: str = Field(
        default="https://events.pagerduty.com",
        description=(
            "Address of the Events API; https://events.eu.pagerduty.com for accounts in the EU region."
        ),
    )
    title: str = Field(default="", max_length=60, description="Prefix of every summary.")

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        if self.event_type == "change" and open_secret(self.routing_key).startswith("R"):
            return "pagerduty accepts no change events for keys that start with R; use the key of a service"
        return site_problem(self.api_url, "the api_url of pagerduty")

    def deduplicates(self, notification: Notification) -> bool:
        """Whether a second request joins the alert of the first; every change event stands alone."""
        del notification
        return self.event_type == "alert"

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the event: a change, a trigger, or the resolve that ends what was triggered."""
        return self._request(notification, "resolve" if notification.is_closing else "trigger", now)

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Send the event; an alert is known by its dedup_key from then on."""
        verdict = yield from super().converse(notification, now=now)
        if verdict.succeeded and self.event_type == "alert":
            return replace(verdict, external_ref=reference(notification, _LONGEST_DEDUP_KEY))
        return verdict

    def judge(self, response: Response) -> Verdict:
        """Count only a 202 whose body says success as accepted."""
        status, body = response.status_code, response.json_object()
        if status < HTTPStatus.MULTIPLE_CHOICES:
            if status == HTTPStatus.ACCEPTED and body.get("status") == "success":
                return Verdict(Outcome.ACCEPTED, "answered 202: queued", status)
            return judge_lacking(response, "success; check the api_url")
        verdict = judge_status(response, hint=_hint(body) or None)
        return with_wait(verdict, _PAUSE_SECONDS) if status == HTTPStatus.TOO_MANY_REQUESTS else verdict

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Build an event that pages nobody: a change, or the resolve of an alert that nothing triggers."""
        return self._request(trial_notification(self.name), "resolve", now)

    def _request(
        self, notification: Notification, action: Literal["trigger", "resolve"], now: datetime
    ) -> PreparedRequest:
        url = f"{self.api_url.rstrip('/')}/v2/{'change/' if self.event_type == 'change' else ''}enqueue"
        content = fit_json(notification, lambda shorter: self._event(shorter, action, now), _LARGEST_EVENT)
        return api_request("POST", url, {}, content)

    def _event(self, notification: Notification, action: str, now: datetime) -> JsonObject:
        routing_key = open_secret(self.routing_key)
        payload: JsonObject = {
            "summary": shorten(one_line(f"{self.title} {notification.title}"), _LONGEST_SUMMARY),
            "source": "rollback-drills",
            "timestamp": now.isoformat(timespec="milliseconds"),
            "custom_details": _details(notification),
        }
        if self.event_type == "change":
            return {"routing_key": routing_key, "payload": payload, **_links(notification)}
        return {
            "routing_key": routing_key,
            "event_action": action,
            "dedup_key": reference(notification, _LONGEST_DEDUP_KEY),
            "client": "rollback-drills",
            **_links(notification),
            "payload": {
                **payload,
                "severity": _SEVERITIES.get(notification.alert_level, "info"),
                "component": notification.schedule_id,
                "group": notification.owner,
                "class": "rollback drill",
            },
        }


def _links(notification: Notification) -> JsonObject:
    links: list[Json] = [{"href": url, "text": label} for label, url in notification.links]
    return {"links": links} if links else {}


def _details(notification: Notification) -> JsonObject:
    return {
        "summary": notification.summary,
        "facts": fact_lines(notification),
        "acknowledge": notification.acknowledge,
        "notification": notification.footer,
        "notification_id": notification.notification_id,
        "reason": notification.reason,
        "may_repeat": notification.may_repeat,
        "schedule_id": notification.schedule_id,
        "cycle_id": notification.cycle_id,
        "plan_id": notification.plan_id,
    }


def _hint(body: JsonObject) -> str:
    return join_texts(body.get("message"), *as_list(body.get("errors")))
