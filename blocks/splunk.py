"""Splunk: one event per notification, through the HTTP Event Collector."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final

from pydantic import Field, HttpUrl

from blocks.addresses import site_problem
from blocks.http.connector import HttpConnector
from blocks.http.exchange import PreparedRequest, Response, api_request
from blocks.http.json_values import JsonObject, fit_json
from blocks.http.responses import disable, judge_lacking, judge_status, retry_after_seconds
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import fact_lines, link_lines, reference
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

# Splunk cuts an event at 10 000 bytes unless its source type says otherwise (TRUNCATE in props.conf).
_LARGEST_REQUEST: Final = 10_000
_LONGEST_REFERENCE: Final = 255

# https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data/troubleshoot-http-event-collector
_SUCCESS: Final = 0
_DEAD: Final = frozenset({1, 2, 3, 4})  # token disabled, missing, malformed or unknown
_REFUSED: Final = frozenset({5, 6, 7, 10, 11, 12, 13, 14, 15, 16})  # the data, the index or the channel
_BUSY: Final = frozenset({8, 9, 18, 19, 20, 23})  # internal error, busy, full queues or shutting down


class SplunkConnector(HttpConnector):
    """Sends events to an HTTP Event Collector of Splunk.

    Splunk confirms an event before it is indexed. A notification may have two events: compare the indexed
    field `notification_id`. For a private certificate authority, set SSL_CERT_FILE.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Splunk"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-splunk"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data"
    )

    workers: ClassVar[int] = 4

    collector_url: str = Field(
        description="Address of the collector without a path, such as https://splunk.example.invalid:8088."
    )
    token: SecretBlock = Field(
        title="Collector token", description="Token of the collector, without indexer acknowledgement."
    )
    index: str = Field(
        default="", description="Index for the events; the default index of the token if it is empty."
    )
    source: str = Field(default="rollback-drills", min_length=1, description="Source of the events.")
    sourcetype: str = Field(default="_json", min_length=1, description="Source type of the events.")

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        return site_problem(self.collector_url, "the collector_url of splunk", path="/services/collector/")

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request; an ending is an event whose action is `finished`."""
        url = f"{self.collector_url.rstrip('/')}/services/collector/event"
        headers = {"authorization": f"Splunk {open_secret(self.token)}"}
        content = fit_json(notification, lambda shorter: self._envelope(shorter, now), _LARGEST_REQUEST)
        return api_request("POST", url, headers, content)

    def judge(self, response: Response) -> Verdict:
        """Count a 200 with the code 0 as accepted; the code of a refusal is more precise than its status."""
        status, body = response.status_code, response.json_object()
        code = body["code"] if type(body.get("code")) is int else None
        if status == HTTPStatus.OK and code == _SUCCESS:
            return Verdict(Outcome.ACCEPTED, "answered 200: accepted, to be indexed", status)
        hint = None if code is None else f"{body.get('text')} (code {code})"
        detail = f"answered {status}: {hint}"
        if code in _DEAD:
            return disable(detail, status)
        if code in _REFUSED:
            return Verdict(Outcome.PERMANENT, detail, status)
        if code in _BUSY:
            return Verdict(Outcome.RETRY, detail, status, retry_after_seconds(response))
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return judge_lacking(response, "success; is this the address of a collector?")
        return judge_status(response, hint=hint)

    def _envelope(self, notification: Notification, now: datetime) -> JsonObject:
        return {
            "time": round(now.timestamp(), 3),
            "host": "rollback-drills",
            "source": self.source,
            "sourcetype": self.sourcetype,
            **({"index": self.index} if self.index else {}),
            "event": _event(notification),
            "fields": _indexed_fields(notification),
        }


def _event(notification: Notification) -> JsonObject:
    return {
        "event_type": notification.event.get("event_type"),
        "action": "finished" if notification.is_closing else "started",
        "alert_level": notification.alert_level,
        "title": notification.title,
        "summary": notification.summary,
        "facts": fact_lines(notification),
        "acknowledge": notification.acknowledge,
        "links": link_lines(notification),
        "notification": notification.footer,
        "may_repeat": notification.may_repeat,
        "cycle_id": notification.cycle_id,
        "plan_id": notification.plan_id,
    }


def _indexed_fields(notification: Notification) -> Mapping[str, str]:
    """Name what can be searched without reading the event; the values must be flat (code 15 otherwise)."""
    return {
        "notification_id": notification.notification_id,
        "reason": notification.reason,
        "reference": reference(notification, _LONGEST_REFERENCE),
        "schedule_id": notification.schedule_id,
        "owner": notification.owner,
    }
