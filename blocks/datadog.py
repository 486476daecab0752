"""Datadog: one event per notification, through the Events API v1."""

from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final, Literal

from pydantic import Field, HttpUrl

from blocks.addresses import site_problem
from blocks.http.connector import HttpConnector
from blocks.http.exchange import PreparedRequest, Response, api_request
from blocks.http.json_values import JsonObject, as_list, to_json
from blocks.http.responses import join_texts, judge_lacking, judge_status, retry_in_seconds, with_wait
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import escape_within, fit, one_line, plain_text, reference, shorten
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

# Limits: https://docs.datadoghq.com/api/latest/events/#post-an-event
_LONGEST_TITLE: Final = 500
_LONGEST_TEXT: Final = 4000
_LONGEST_AGGREGATION_KEY: Final = 100
_LONGEST_TAG: Final = 200  # https://docs.datadoghq.com/getting_started/tagging/

_ALERT_TYPES: Final = {"critical": "error", "warning": "warning"}

# Datadog says 403 also to a good key at the wrong site.
_DEAD: Final = frozenset({401, 403})


class DatadogConnector(HttpConnector):
    """Posts events to the event stream of a Datadog organization."""

    _block_type_name: ClassVar[str | None] = "Rollback drills: Datadog"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-datadog"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://docs.datadoghq.com/api/latest/events/")

    workers: ClassVar[int] = 4

    api_key: SecretBlock = Field(
        title="API key", description="API key of the organization, not an application key."
    )
    site: Literal[
        "datadoghq.com",
        "us3.datadoghq.com",
        "us5.datadoghq.com",
        "ap1.datadoghq.com",
        "ap2.datadoghq.com",
        "uk1.datadoghq.com",
        "datadoghq.eu",
        "ddog-gov.com",
        "us2.ddog-gov.com",
    ] = Field(
        default="datadoghq.com", description="Site of the organization; a key works at its own site only."
    )
    api_url: str = Field(
        default="", description="Address of a proxy for the API; by default https://api. and the site."
    )
    title: str = Field(default="", max_length=60, description="Prefix of every title.")

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        return site_problem(self._url(""), "the api_url of datadog")

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that posts the event; a closing one joins the others by its aggregation key."""
        return self._request("POST", "/api/v1/events", to_json(self._event(notification, now)))

    def judge(self, response: Response) -> Verdict:
        """Count a 202, or a 200, with an event as accepted."""
        status, body = response.status_code, response.json_object()
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return _judge_refusal(response)
        event = body.get("event")
        is_taken = body.get("status") == "ok" or isinstance(event, dict)
        if status in (HTTPStatus.OK, HTTPStatus.ACCEPTED) and is_taken:
            number = event.get("id") if isinstance(event, dict) else None
            ref = str(number) if type(number) is int else ""
            return Verdict(Outcome.ACCEPTED, f"answered {status}: queued", status, external_ref=ref)
        return judge_lacking(response, "an event; check site and api_url")

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Ask whether the key is valid; nothing is posted."""
        del now
        return self._request("GET", "/api/v1/validate")

    def judge_trial(self, response: Response) -> Verdict:
        """Accept a 200 that calls the key valid as proof."""
        status = response.status_code
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return _judge_refusal(response)
        if status == HTTPStatus.OK and response.json_object().get("valid") is True:
            return Verdict(Outcome.DELIVERED, "answered 200: the key is valid", status)
        return judge_lacking(response, "the state of the key")

    def _url(self, path: str) -> str:
        return (self.api_url.rstrip("/") or f"https://api.{self.site}") + path

    def _request(self, method: str, path: str, content: bytes = b"") -> PreparedRequest:
        return api_request(method, self._url(path), {"dd-api-key": open_secret(self.api_key)}, content)

    def _event(self, notification: Notification, now: datetime) -> JsonObject:
        level = _ALERT_TYPES.get(notification.alert_level, "info")
        return {
            "title": escape_within(
                one_line(f"{self.title} {notification.title}"), _LONGEST_TITLE, _without_mentions
            ),
            "text": fit(notification, _text, _LONGEST_TEXT),
            "alert_type": "success" if notification.is_closing else level,
            "priority": "low" if level == "info" or notification.is_closing else "normal",
            "aggregation_key": reference(notification, _LONGEST_AGGREGATION_KEY),
            "source_type_name": "rollback-drills",
            "date_happened": int(now.timestamp()),
            "tags": [shorten(one_line(tag), _LONGEST_TAG) for tag in _tags(notification)],
        }


def _text(notification: Notification) -> str:
    return _without_mentions(plain_text(notification))


def _tags(notification: Notification) -> tuple[str, ...]:
    return (
        f"schedule:{notification.schedule_id}",
        f"owner:{notification.owner}",
        f"cycle:{notification.cycle_id}",
        f"notification_id:{notification.notification_id}",
        f"reason:{notification.reason}",
        f"may_repeat:{str(notification.may_repeat).lower()}",
    )


def _without_mentions(text: str) -> str:
    """Keep `@name` from notifying people and services, and `%%%` from switching to Markdown.

    https://docs.datadoghq.com/monitors/notify/#notifications
    """
    return text.replace("@", "@\N{ZERO WIDTH SPACE}").replace("%%", "%\N{ZERO WIDTH SPACE}%")


def _judge_refusal(response: Response) -> Verdict:
    hint = join_texts(*as_list(response.json_object().get("errors")))
    if response.status_code == HTTPStatus.FORBIDDEN:
        hint = f"{hint or 'forbidden'} (a wrong key, or a key of another site)"
    verdict = judge_status(response, dead=_DEAD, hint=hint or None)
    # Seconds until more is taken, not a moment; the Datadog client reads the header so too.
    return with_wait(verdict, retry_in_seconds(response, "x-ratelimit-reset"))
