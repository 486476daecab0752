"""Slack, through an incoming webhook."""

import re
from typing import ClassVar, Final

import httpx
from pydantic import HttpUrl

from blocks.addresses import host_of
from blocks.http.exchange import Response
from blocks.http.incoming_webhook import IncomingWebhook
from blocks.http.json_values import JsonObject
from blocks.http.responses import judge_ok
from blocks.slack.message import LARGEST_MESSAGE, MOST_IN_ONE_MESSAGE, NO_PREVIEWS, build_message
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict

# The body is more precise than the status: sources disagree on the status of "invalid_token".
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

_HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})


class SlackConnector(IncomingWebhook):
    """Posts to the one channel of a Slack incoming webhook.

    Slack does not return the id of the message, so every reminder and closing message is a new message.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Slack webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-slack-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/"
    )

    most_in_one_message: ClassVar[int] = MOST_IN_ONE_MESSAGE
    webhook_name: ClassVar[str] = "slack webhook"
    largest_message: ClassVar[int] = LARGEST_MESSAGE
    dead: ClassVar[frozenset[int]] = frozenset({401, 410})
    public_path: ClassVar[re.Pattern[str]] = re.compile(r"/(services|workflows|triggers)/")

    def url_problem(self, url: httpx.URL) -> str:
        """Return what is wrong with an address that is a valid URL; empty if nothing is."""
        # Other products take the same messages at addresses of their own.
        if host_of(url) in _HOSTS and not self.public_path.match(url.path):
            return "must be https://hooks.slack.com/services/…"
        return ""

    def judge_success(self, response: Response) -> Verdict:
        """Count only a 200 whose body is `ok` as delivered."""
        return judge_ok(response)

    def is_dead(self, response: Response) -> bool:
        """Whether a refusal means that a person has to fix the connector."""
        return super().is_dead(response) or response.text.strip() in _DEAD_WEBHOOK

    def message(self, notification: Notification, title: str) -> JsonObject:
        """Build a message of blocks, without previews of links."""
        return {**NO_PREVIEWS, **build_message(notification, title)}
