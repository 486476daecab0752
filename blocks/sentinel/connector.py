"""Microsoft Sentinel: one row per notification, through the Logs Ingestion API of Azure Monitor."""

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import ClassVar, Final

from pydantic import Field, HttpUrl, PrivateAttr

from blocks.addresses import site_problem
from blocks.http.connector import Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response, api_request
from blocks.http.json_values import JsonObject, as_object, to_json
from blocks.http.responses import join_texts, judge_status
from blocks.secret_fields import SecretBlock, open_secret
from blocks.sentinel.access_token import AccessToken, read_token, token_request
from blocks.text import fact_lines, fit, reference
from blocks.trial import trial_notification
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

# A field keeps 64 KB, the rest is dropped silently; a row below that keeps every field whole.
# https://learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits#logs-ingestion-api
_LARGEST_CONTENT: Final = 60_000
_LONGEST_REFERENCE: Final = 255

_MOST_TOKENS_KNOWN: Final = 4


class SentinelConnector(HttpConnector):
    """Writes rows to a custom table of the workspace of a Microsoft Sentinel.

    Azure drops columns that the data collection rule does not declare. A notification may have two rows:
    compare the column NotificationId.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Microsoft Sentinel"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-sentinel"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview"
    )

    workers: ClassVar[int] = 4

    tenant: str = Field(pattern=r"^[A-Za-z0-9.-]+$", description="Id or domain of the Entra tenant.")
    client_id: str = Field(min_length=1, description="Application (client) id of the app registration.")
    client_secret: SecretBlock = Field(
        title="Client secret", description="Secret of the app registration; it expires."
    )
    endpoint_url: str = Field(
        description="Logs ingestion endpoint of the data collection rule or of its data collection endpoint."
    )
    rule_id: str = Field(
        pattern=r"^dcr-[A-Za-z0-9]+$", description="Immutable id of the data collection rule, dcr-…."
    )
    stream: str = Field(
        default="Custom-RollbackDrills_CL",
        pattern=r"^(Custom|Microsoft)-[A-Za-z0-9_-]+$",
        description="Stream that the data collection rule declares.",
    )
    login_url: str = Field(
        default="https://login.microsoftonline.com",
        description="Address of Entra; https://login.microsoftonline.us for Azure Government.",
    )
    scope: str = Field(
        default="https://monitor.azure.com/.default",
        min_length=1,
        description="Scope of the access token; different in Azure Government and in China.",
    )

    _token: AccessToken | None = PrivateAttr(default=None)
    _known_tokens: tuple[str, ...] = PrivateAttr(default=())

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        return site_problem(self.endpoint_url, "the endpoint_url of sentinel") or site_problem(
            self.login_url, "the login_url of sentinel"
        )

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that writes the row, with the present access token."""
        url = (
            f"{self.endpoint_url.rstrip('/')}/dataCollectionRules/{self.rule_id}"
            f"/streams/{self.stream}?api-version=2023-01-01"
        )
        headers = {"authorization": f"Bearer {self._token.value if self._token else ''}"}
        content = fit(notification, lambda shorter: _rows(shorter, now), _LARGEST_CONTENT)
        return api_request("POST", url, headers, content)

    def judge(self, response: Response) -> Verdict:
        """Count only a 204 as accepted; the row appears minutes later, or never."""
        status = response.status_code
        if status == HTTPStatus.NO_CONTENT:
            return Verdict(Outcome.ACCEPTED, "answered 204: accepted, to be ingested", status)
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return Verdict(Outcome.PERMANENT, f"answered {status} instead of 204; check endpoint_url", status)
        error = as_object(response.json_object().get("error"))
        hint = join_texts(error.get("code"), error.get("message"), separator=": ")
        if status == HTTPStatus.FORBIDDEN:
            hint = (
                f"{hint or 'forbidden'} (give the app the role Monitoring Metrics Publisher on the rule;"
                " a new role takes up to 30 minutes)"
            )
        return judge_status(response, hint=hint or None)

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Get an access token if there is none, and write the row; try once more if the token is refused."""
        for is_last in (False, True):
            if self._token is None or now >= self._token.good_until:
                failure = yield from self._sign_in()
                if failure:
                    return failure
            used = self._token
            response = yield self.prepare(notification, now=now)
            if response.status_code != HTTPStatus.UNAUTHORIZED or is_last:
                break
            if self._token is used:  # another conversation may have renewed it
                self._token = None
        return self.judge(response)

    def converse_trial(self, *, now: datetime) -> Conversation[Verdict]:
        """Write a test row: no reading request shows that the app may write."""
        return (yield from self.converse(trial_notification(self.name), now=now))

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor; the access tokens are secrets too."""
        return [*super().secret_values(), *self._known_tokens]

    def _sign_in(self) -> Conversation[Verdict | None]:
        response = yield self._token_request()
        token = read_token(response)
        if isinstance(token, Verdict):
            return replace(token, detail=f"no access token: {token.detail}")
        self._token = token
        # An answer to an earlier request may still repeat an earlier token.
        self._known_tokens = (*self._known_tokens, token.value)[-_MOST_TOKENS_KNOWN:]
        self._known_redactor = None
        return None

    def _token_request(self) -> PreparedRequest:
        return token_request(
            self.login_url,
            self.tenant,
            client_id=self.client_id,
            client_secret=open_secret(self.client_secret),
            scope=self.scope,
        )


def _rows(notification: Notification, now: datetime) -> bytes:
    row: JsonObject = {
        # Not Title or Type: a workspace reserves those names.
        # https://learn.microsoft.com/azure/azure-monitor/logs/create-custom-table
        "TimeGenerated": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "NotificationId": notification.notification_id,
        "Reference": reference(notification, _LONGEST_REFERENCE),
        "EventType": notification.event.get("event_type"),
        "Action": "finished" if notification.is_closing else "started",
        "Reason": notification.reason,
        "MayRepeat": notification.may_repeat,
        "AlertLevel": notification.alert_level,
        "Subject": notification.title,
        "Summary": notification.summary,
        "Facts": fact_lines(notification),
        "Acknowledge": notification.acknowledge,
        "Footer": notification.footer,
        "Owner": notification.owner,
        "ScheduleId": notification.schedule_id,
        "CycleId": notification.cycle_id,
        "PlanId": notification.plan_id,
    }
    return to_json([row])
