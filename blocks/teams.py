"""Microsoft Teams, through a workflow that posts what it is sent."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.http.addresses import address_problem
from blocks.http.connector import ANY_JSON, HttpConnector
from blocks.http.exchange import PreparedRequest, Response
from blocks.http.responses import judge_status
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import fit, to_json
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.redaction.redactor import REDACTED

# Teams refuses 28 KB as it counts them: a request of 24 453 bytes was counted as 28 897.
_LARGEST_MESSAGE: Final = 20_000
_DEAD: Final = frozenset({401, 403, 404, 410})
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


class TeamsConnector(HttpConnector):
    """Posts an Adaptive Card through a Teams workflow.

    The workflow answers before it posts, so that a notification is accepted, never known to be delivered.

    Example:
        ```python
        from blocks.teams import TeamsConnector

        connector = TeamsConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Teams workflow"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-teams-workflow"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook"
    )

    # Ten rows of 350 characters fill 20 000 bytes at most, whatever alphabet the names are written in.
    most_in_one_message: ClassVar[int] = 10

    judges_by_status: ClassVar[bool] = True

    url: SecretBlock = Field(
        title="Workflow URL", description="Address of the workflow; whoever knows it can post."
    )
    title: str = Field(default="", max_length=60, description="Text put before every title.")

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        url = open_secret(self.url)
        problem = address_problem(url, "the url of the teams workflow")
        if problem:
            return problem
        host = httpx.URL(url).host
        for retired, why in _RETIRED.items():
            if host == retired or host.endswith(f".{retired}"):
                return f"the url of the teams workflow {why}; create a workflow in Teams and use its address"
        return ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request. The URL goes out exactly as Teams gave it: its query is signed."""
        del now
        url = open_secret(self.url)
        content = fit(notification, lambda shorter: to_json(self._message(shorter)), _LARGEST_MESSAGE)
        return PreparedRequest("POST", url, _public_url(url), ANY_JSON, content)

    def judge(self, response: Response) -> Verdict:
        """Take a 2xx for what it is: the workflow was started, and may still fail to post."""
        status = response.status_code
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Verdict(Outcome.ACCEPTED, f"answered {status}: the workflow was started", status)
        return judge_status(response, dead=_DEAD)

    def secret_values(self) -> list[str]:
        """Open every secret of the connector; the environment in the host name is one."""
        url = open_secret(self.url)
        host = httpx.URL(url).host
        return [url, host.split(".", 1)[0]] if host.endswith(_POWER_PLATFORM) else [url]

    def _message(self, notification: Notification) -> Mapping[str, Any]:
        title = f"{self.title} {notification.title}".strip()
        body: list[dict[str, Any]] = [
            {**_text(title), "weight": "Bolder", "size": "Medium"},
            _text(notification.summary),
        ]
        if notification.facts:
            facts = [{"title": _plain(label), "value": _plain(value)} for label, value in notification.facts]
            body.append({"type": "FactSet", "facts": facts})
        if notification.acknowledge:
            body.append(_text(notification.acknowledge))
        body.append({**_text(notification.footer), "isSubtle": True, "size": "Small"})
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            # Workflows shows "this card couldn't be displayed" for anything newer (msteams-docs#9801).
            "version": "1.4",
            "fallbackText": _plain(f"{title}: {notification.summary}"),
            "msteams": {"width": "Full"},
            "body": body,
        }
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card,
        }
        return {"type": "message", "attachments": [attachment]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True}


def _plain(text: str) -> str:
    """Take the links out of the Markdown that cards show; a full escape would show its backslashes."""
    return text.replace("](", "] (").replace("<at>", "< at>")


def _public_url(url: str) -> str:
    parsed = httpx.URL(url)
    is_known = parsed.host.endswith(_POWER_PLATFORM)
    origin = f"{parsed.scheme}://" + (f"{REDACTED}.{_POWER_PLATFORM}" if is_known else parsed.netloc.decode())
    segments = (part if part in _PATH_SHAPE else REDACTED for part in parsed.path.strip("/").split("/"))
    return f"{origin}/" + "/".join(segments) + (f"?{REDACTED}" if parsed.query else "")
