"""Slack, through an incoming webhook."""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.addresses import address_problem, public_origin
from blocks.connector import ANY_JSON, Connector, SecretBlock, open_secret
from blocks.exchange import PreparedRequest, Response
from blocks.responses import judge_status
from blocks.text import escape_within, fit, to_json
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.notification import Notification
from rollback_drills.redaction import REDACTED

# Limits: https://docs.slack.dev/reference/block-kit/blocks
_LONGEST_HEADER: Final = 150
_LONGEST_FIELD: Final = 2000
_LONGEST_LABEL: Final = 200
_LONGEST_SECTION: Final = 3000
_MOST_FIELDS: Final = 10
# Undocumented: all blocks together fail at about 13 200 characters (slackapi/bolt-js#2509).
_LARGEST_MESSAGE: Final = 12_000

# The body tells more than the status: sources disagree on the status of "invalid_token".
# https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
_DEAD_WEBHOOK: Final = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "posting_to_general_channel_denied",
        "team_disabled",
    }
)

_DEAD: Final = frozenset({401, 410})


class SlackConnector(Connector):
    """Posts to the one channel of a Slack incoming webhook.

    Example:
        ```python
        from blocks.slack import SlackConnector

        connector = SlackConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Slack webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-slack-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/"
    )

    url: SecretBlock = Field(description="Address of the incoming webhook; whoever knows it can post.")
    title: str = Field(default="", max_length=60, description="Text put before every title.")

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        return address_problem(open_secret(self.url), "the url of the slack webhook")

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request."""
        del now
        url = open_secret(self.url)
        content = fit(notification, lambda shorter: to_json(self._message(shorter)), _LARGEST_MESSAGE)
        return PreparedRequest("POST", url, _public_url(url), ANY_JSON, content)

    def judge(self, response: Response) -> Verdict:
        """Take only a 200 whose body is `ok` for a delivery."""
        status, body = response.status_code, response.text.strip()
        if status < HTTPStatus.MULTIPLE_CHOICES:
            if status == HTTPStatus.OK and body == "ok":
                return Verdict(Outcome.DELIVERED, "answered 200: ok", status)
            return Verdict(Outcome.PERMANENT, f"answered {status} without ok: {body}", status)
        dead = frozenset({status}) if body in _DEAD_WEBHOOK else _DEAD
        return judge_status(response, dead=dead)

    def _message(self, notification: Notification) -> Mapping[str, Any]:
        title = f"{self.title} {notification.title}".strip()
        facts = [_field(label, value) for label, value in notification.facts]
        header = escape_within(title, _LONGEST_HEADER, _escape)
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
            {"type": "section", "text": _mrkdwn("", notification.summary, _LONGEST_SECTION)},
        ]
        blocks += [
            {"type": "section", "fields": facts[start : start + _MOST_FIELDS]}
            for start in range(0, len(facts), _MOST_FIELDS)
        ]
        blocks += [
            {"type": "section", "text": _mrkdwn("", notification.acknowledge, _LONGEST_SECTION)},
            # Slack cannot tell repeated messages apart; a reader can, by the id.
            {
                "type": "context",
                "elements": [_mrkdwn("", f"Notification {notification.notification_id}", _LONGEST_FIELD)],
            },
        ]
        text = _escape(f"{title}\n{notification.summary}")
        return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _field(label: str, value: str) -> dict[str, Any]:
    return _mrkdwn(f"*{escape_within(label, _LONGEST_LABEL, _escape)}*\n", value, _LONGEST_FIELD)


def _mrkdwn(prefix: str, text: str, longest: int) -> dict[str, Any]:
    # verbatim: otherwise Slack makes links and mentions of names it finds in the text
    return {
        "type": "mrkdwn",
        "text": prefix + escape_within(text, longest - len(prefix), _escape),
        "verbatim": True,
    }


def _escape(text: str) -> str:
    """Escape the three control characters, without which `<!channel>` would ring everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _public_url(url: str) -> str:
    kind = re.match(r"/(services|workflows|triggers)/", httpx.URL(url).path)
    return f"{public_origin(url)}/{kind[1]}/{REDACTED}" if kind else f"{public_origin(url)}/{REDACTED}"
