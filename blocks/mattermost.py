"""Mattermost, through an incoming webhook."""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.http.addresses import address_problem, public_origin
from blocks.http.connector import ANY_JSON, HttpConnector
from blocks.http.exchange import PreparedRequest, Response
from blocks.http.responses import judge_ok, judge_status
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import escape_within, fit, shorten, to_json
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict
from rollback_drills.redaction.redactor import REDACTED

# A server may be under a path of its own: https://example.invalid/chat/hooks/KEY
_PATH: Final = re.compile(r"(?P<site>(?:/[\w.~-]+)*)/hooks/[A-Za-z0-9]+/?", re.ASCII)
_DEAD: Final = frozenset({401, 403, 404})
# Answered with 400, so that the status does not tell it from a bad message.
_UNKNOWN_HOOK: Final = "web.incoming_webhook.invalid.app_error"

_LONGEST_TEXT: Final = 16_383  # a longer one is split into several posts
_LONGEST_FOOTER: Final = 300  # a longer one is cut
# Servers take 300 000 bytes unless told otherwise (MaximumPayloadSizeBytes); more than this nobody reads.
_LARGEST_MESSAGE: Final = 40_000

_GREEN: Final = "#2e7d32"
_GREY: Final = "#757575"
_COLORS: Final = {"critical": "#c62828", "warning": "#f9a825", "healthy": _GREEN}


class MattermostConnector(HttpConnector):
    """Posts to the channel of a Mattermost incoming webhook.

    Mattermost does not say what it calls the post, so that whatever follows is a post of its own.

    Example:
        ```python
        from blocks.mattermost import MattermostConnector

        connector = MattermostConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Mattermost webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-mattermost-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://developers.mattermost.com/integrate/webhooks/incoming/"
    )

    # Twenty of the longest rows fit whole, even where each character has to be escaped.
    most_in_one_message: ClassVar[int] = 20

    url: SecretBlock = Field(
        title="Webhook URL", description="Address of the incoming webhook; whoever knows it can post."
    )
    title: str = Field(default="", max_length=60, description="Text put before every title.")

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        url = open_secret(self.url)
        problem = address_problem(url, "the url of the mattermost webhook")
        if problem:
            return problem
        if not _PATH.fullmatch(httpx.URL(url).path):
            return "the url of the mattermost webhook must end with /hooks/KEY"
        return ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request; an ending is told like everything else."""
        del now
        url = open_secret(self.url)
        content = fit(notification, lambda shorter: to_json(self._message(shorter)), _LARGEST_MESSAGE)
        return PreparedRequest("POST", url, _public_url(url), ANY_JSON, content)

    def judge(self, response: Response) -> Verdict:
        """Take only a 200 whose body is `ok` for a delivery."""
        status = response.status_code
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return judge_ok(response)
        body = response.json_object()
        is_unknown = body.get("id") == _UNKNOWN_HOOK
        hint = f"{body.get('id')}: {body.get('message')}" if "message" in body else None
        return judge_status(response, dead=frozenset({status}) if is_unknown else _DEAD, hint=hint)

    def _message(self, notification: Notification) -> Mapping[str, Any]:
        title = f"{self.title} {notification.title}".strip()
        attachment: dict[str, Any] = {
            "fallback": _escape(f"{title}: {notification.summary}"),
            "color": _GREEN if notification.is_closing else _COLORS.get(notification.alert_level, _GREY),
            # Mattermost cannot tell repeated messages apart; a reader can, by the id.
            "footer": shorten(notification.footer, _LONGEST_FOOTER),
        }
        if notification.facts:
            attachment["fields"] = [
                {"title": _escape(label), "value": _escape(value), "short": False}
                for label, value in notification.facts
            ]
        if notification.acknowledge:
            attachment["text"] = _escape(notification.acknowledge)
        text = escape_within(f"#### {title}\n{notification.summary}", _LONGEST_TEXT, _escape)
        return {"text": text, "attachments": [attachment]}


def _escape(text: str) -> str:
    """Break mentions and links; a backslash or an entity would show in a notification.

    Not only `@all` rings everybody: for the sake of Slack's users the server makes it of `<!all>`, a name of
    `<@ID>`, and of `<url|text>` a link, which hides where it leads as one in Markdown does.
    """
    return re.sub(r"@|\](?=\s*[(\[:])", "\\g<0>\u200b", text).replace("<", "\uff1c")


def _public_url(url: str) -> str:
    found = _PATH.fullmatch(httpx.URL(url).path)
    return f"{public_origin(url)}{found['site'] if found else ''}/hooks/{REDACTED}"
