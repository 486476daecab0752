"""Slack, through an incoming webhook."""

import re
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.http.addresses import address_problem, public_origin
from blocks.http.connector import ANY_JSON, HttpConnector
from blocks.http.exchange import PreparedRequest, Response
from blocks.http.responses import judge_ok, judge_status
from blocks.secret_fields import SecretBlock, open_secret
from blocks.slack.message import MOST_IN_ONE_MESSAGE, NO_PREVIEWS, write_message
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict
from rollback_drills.redaction.redactor import REDACTED

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

_HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_KIND: Final = re.compile(r"/(services|workflows|triggers)/")


class SlackConnector(HttpConnector):
    """Posts to the one channel of a Slack incoming webhook.

    Slack does not say what it calls the message, so that whatever follows is a message of its own.

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

    most_in_one_message: ClassVar[int] = MOST_IN_ONE_MESSAGE

    url: SecretBlock = Field(
        title="Webhook URL", description="Address of the incoming webhook; whoever knows it can post."
    )
    title: str = Field(default="", max_length=60, description="Text put before every title.")

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        url = open_secret(self.url)
        problem = address_problem(url, "the url of the slack webhook")
        if problem:
            return problem
        # Others take the same messages at addresses of their own.
        if httpx.URL(url).host in _HOSTS and not _KIND.match(httpx.URL(url).path):
            return "the url of the slack webhook must be https://hooks.slack.com/services/…"
        return ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request; an ending is told like everything else."""
        del now
        url = open_secret(self.url)
        content = write_message(notification, self.title, **NO_PREVIEWS)
        return PreparedRequest("POST", url, _public_url(url), ANY_JSON, content)

    def judge(self, response: Response) -> Verdict:
        """Take only a 200 whose body is `ok` for a delivery."""
        status = response.status_code
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return judge_ok(response)
        dead = frozenset({status}) if response.text.strip() in _DEAD_WEBHOOK else _DEAD
        return judge_status(response, dead=dead)


def _public_url(url: str) -> str:
    kind = _KIND.match(httpx.URL(url).path)
    return f"{public_origin(url)}/{kind[1]}/{REDACTED}" if kind else f"{public_origin(url)}/{REDACTED}"
