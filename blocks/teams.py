"""Microsoft Teams, through a workflow that posts what it is sent."""

from typing import ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.addresses import host_of
from blocks.http.exchange import Response
from blocks.http.incoming_webhook import IncomingWebhook
from blocks.http.json_values import Json, JsonObject
from blocks.secret_fields import SecretBlock, open_secret
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.redaction.redactor import REDACTED

_RETIRED: Final = {
    "webhook.office.com": "is an Office 365 connector, which Microsoft has retired",
    "outlook.office.com": "is an Office 365 connector, which Microsoft has retired",
    "outlook.office365.com": "is an Office 365 connector, which Microsoft has retired",
    "logic.azure.com": "is an old workflow address, which stopped working in November 2025",
}
_POWER_PLATFORM: Final = "environment.api.powerplatform.com"
_PATH_SHAPE: Final = frozenset(
    {"powerautomate", "automations", "direct", "cu", "workflows", "triggers", "manual", "paths", "invoke"}
)


class TeamsConnector(IncomingWebhook):
    """Posts an Adaptive Card through a Teams workflow.

    The workflow answers before it posts, so a notification is accepted, not delivered.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Teams workflow"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-teams-workflow"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook"
    )

    # Ten rows of 350 characters fill 20 000 bytes at most, whatever alphabet the names are written in.
    most_in_one_message: ClassVar[int] = 10
    judges_by_status: ClassVar[bool] = True
    webhook_name: ClassVar[str] = "teams workflow"
    # Teams refuses 28 KB as it counts them: a request of 24 453 bytes was counted as 28 897.
    largest_message: ClassVar[int] = 20_000
    dead: ClassVar[frozenset[int]] = frozenset({401, 403, 404, 410})

    url: SecretBlock = Field(
        title="Workflow URL", description="Address of the workflow; anybody who knows it can post."
    )

    def url_problem(self, url: httpx.URL) -> str:
        """Return what is wrong with an address that is a valid URL; empty if nothing is."""
        for retired, why in _RETIRED.items():
            if f".{host_of(url)}".endswith(f".{retired}"):
                return f"{why}; create a workflow in Teams and use its address"
        return ""

    def public_url(self, url: str) -> str:
        """Return the address as it may be shown."""
        parsed = httpx.URL(url)
        is_known = host_of(parsed).endswith(_POWER_PLATFORM)
        host = f"{REDACTED}.{_POWER_PLATFORM}" if is_known else parsed.netloc.decode()
        segments = (part if part in _PATH_SHAPE else REDACTED for part in parsed.path.strip("/").split("/"))
        return f"{parsed.scheme}://{host}/" + "/".join(segments) + (f"?{REDACTED}" if parsed.query else "")

    def judge_success(self, response: Response) -> Verdict:
        """Count a 2xx as accepted: the workflow was started, and may still fail to post."""
        status = response.status_code
        return Verdict(Outcome.ACCEPTED, f"answered {status}: the workflow was started", status)

    def secret_values(self) -> list[str]:
        """Open every secret of the connector; the environment in the host name is one."""
        url = open_secret(self.url)
        host = host_of(httpx.URL(url))
        return [url, host.split(".", 1)[0]] if host.endswith(_POWER_PLATFORM) else [url]

    def message(self, notification: Notification, title: str) -> JsonObject:
        """Build a message whose attachment is an Adaptive Card."""
        body: list[Json] = [
            {**_text(title), "weight": "Bolder", "size": "Medium"},
            _text(notification.summary),
        ]
        if notification.facts:
            facts = [{"title": _plain(label), "value": _plain(value)} for label, value in notification.facts]
            body.append({"type": "FactSet", "facts": facts})
        if notification.acknowledge:
            body.append(_text(notification.acknowledge))
        body.append({**_text(notification.footer), "isSubtle": True, "size": "Small"})
        card: dict[str, Json] = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            # Workflows shows "this card couldn't be displayed" for anything newer (msteams-docs#9801).
            "version": "1.4",
            "fallbackText": _plain(f"{title}: {notification.summary}"),
            "msteams": {"width": "Full"},
            "body": body,
        }
        if notification.links:
            card["actions"] = [
                {"type": "Action.OpenUrl", "title": label, "url": url} for label, url in notification.links
            ]
        attachment: JsonObject = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card,
        }
        return {"type": "message", "attachments": [attachment]}


def _text(text: str) -> JsonObject:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True}


def _plain(text: str) -> str:
    """Break the links of the Markdown that cards show; a full escape would show its backslashes."""
    return text.replace("](", "] (").replace("<at>", "< at>")
