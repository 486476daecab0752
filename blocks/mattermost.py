"""Mattermost, through an incoming webhook."""

import re
from typing import ClassVar, Final

import httpx
from pydantic import HttpUrl

from blocks.http.exchange import Response
from blocks.http.incoming_webhook import IncomingWebhook
from blocks.http.json_values import Json, JsonObject
from blocks.http.responses import judge_ok
from blocks.text import escape_within, paragraphs, shorten
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict

# Mattermost answers 400, so that the status does not distinguish it from a bad message.
_UNKNOWN_HOOK: Final = "web.incoming_webhook.invalid.app_error"

_LONGEST_TEXT: Final = 16_383  # a longer one is split into several posts
_LONGEST_FOOTER: Final = 300  # a longer one is cut

_GREEN: Final = "#2e7d32"
_GREY: Final = "#757575"
_COLORS: Final = {"critical": "#c62828", "warning": "#f9a825", "healthy": _GREEN}


class MattermostConnector(IncomingWebhook):
    """Posts to the channel of a Mattermost incoming webhook.

    Mattermost does not return the id of the post, so every reminder and closing message is a new post.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Mattermost webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-mattermost-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://developers.mattermost.com/integrate/webhooks/incoming/"
    )

    # Twenty of the longest rows fit whole, even where each character has to be escaped.
    most_in_one_message: ClassVar[int] = 20
    webhook_name: ClassVar[str] = "mattermost webhook"
    # Servers take 300 000 bytes by default (MaximumPayloadSizeBytes); nobody reads more than this.
    largest_message: ClassVar[int] = 40_000
    # A server may be under a path of its own: https://example.invalid/chat/hooks/KEY
    public_path: ClassVar[re.Pattern[str]] = re.compile(
        r"(?:/[\w.~-]+)*/hooks/(?=[A-Za-z0-9]+/?\Z)", re.ASCII
    )

    def url_problem(self, url: httpx.URL) -> str:
        """Return what is wrong with an address that is a valid URL; empty if nothing is."""
        return "" if self.public_path.match(url.path) else "must end with /hooks/KEY"

    def judge_success(self, response: Response) -> Verdict:
        """Count only a 200 whose body is `ok` as delivered."""
        return judge_ok(response)

    def is_dead(self, response: Response) -> bool:
        """Whether a refusal means that a person has to fix the connector."""
        return super().is_dead(response) or response.json_object().get("id") == _UNKNOWN_HOOK

    def hint(self, response: Response) -> str | None:
        """Return what a refusal says about itself."""
        body = response.json_object()
        return f"{body.get('id')}: {body.get('message')}" if "message" in body else None

    def message(self, notification: Notification, title: str) -> JsonObject:
        """Build a post whose attachment holds the facts."""
        attachment: dict[str, Json] = {
            "fallback": _escape(f"{title}: {notification.summary}"),
            "color": _GREEN if notification.is_closing else _COLORS.get(notification.alert_level, _GREY),
            # Mattermost cannot recognise repeated messages; a reader can, by the id.
            "footer": shorten(notification.footer, _LONGEST_FOOTER),
        }
        if notification.facts:
            attachment["fields"] = [
                {"title": _escape(label), "value": _escape(value), "short": False}
                for label, value in notification.facts
            ]
        links = " · ".join(f"[{label}]({url})" for label, url in notification.links)
        if below := paragraphs(_escape(notification.acknowledge), links):
            attachment["text"] = below
        text = escape_within(f"#### {title}\n{notification.summary}", _LONGEST_TEXT, _escape)
        return {"text": text, "attachments": [attachment]}


def _escape(text: str) -> str:
    """Break mentions and links; a backslash or an entity would show in a notification.

    Not only `@all` notifies everybody: for Slack's users the server turns `<!all>` into it, `<@ID>` into a
    name and `<url|text>` into a link, which hides its target as a Markdown link does.
    """
    return re.sub(r"@|\](?=\s*[(\[:])", "\\g<0>\u200b", text).replace("<", "\uff1c")
