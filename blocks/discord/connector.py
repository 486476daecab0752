"""Discord, through a webhook: messages that are edited when the cycle is over."""

import re
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.discord.message import write_message
from blocks.http.addresses import address_problem, public_origin
from blocks.http.connector import ANY_JSON, Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response
from blocks.http.responses import clamp_wait, judge_lacking, judge_status, retry_after_seconds
from blocks.secret_fields import SecretBlock, open_secret
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.redaction.redactor import REDACTED

# The version is fixed: before version 8 Discord told the time to wait in milliseconds.
_PATH: Final = re.compile(r"/api(?:/v\d{1,2})?/webhooks/(?P<id>\d{1,20})/(?P<token>[\w-]+)/?", re.ASCII)
_MESSAGE_ID: Final = re.compile(r"\d{1,20}", re.ASCII)
_DEAD: Final = frozenset({401, 403, 404})
# https://docs.discord.com/developers/topics/opcodes-and-status-codes
_UNKNOWN_MESSAGE: Final = 10008


class DiscordConnector(HttpConnector):
    """Posts to the one channel of a Discord webhook.

    A reminder is a message of its own. An ending replaces the text of the first message; if that one is gone,
    it is a message of its own too.

    Example:
        ```python
        from blocks.discord import DiscordConnector

        connector = DiscordConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Discord webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-discord-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.discord.com/developers/resources/webhook"
    )

    # Six of the longest rows fit into one description, even where every second character has to be escaped.
    most_in_one_message: ClassVar[int] = 6

    url: SecretBlock = Field(
        title="Webhook URL",
        description="Address of the webhook, with ?thread_id=… for a thread; whoever knows it can post.",
    )
    title: str = Field(default="", max_length=60, description="Text put before every title.")

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        url = open_secret(self.url)
        problem = address_problem(url, "the url of the discord webhook")
        if problem:
            return problem
        parsed = httpx.URL(url)
        if parsed.userinfo or not _PATH.fullmatch(parsed.path):
            return "the url of the discord webhook must be https://discord.com/api/webhooks/ID/TOKEN"
        return ""

    def deduplicates(self, notification: Notification) -> bool:
        """Whether a second request changes nothing: so it is when an edit is repeated."""
        return notification.is_closing and _names_a_message(notification.earlier_ref)

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that posts a message or edits the first one."""
        del now
        content = write_message(notification, self.title)
        if notification.is_closing and _names_a_message(notification.earlier_ref):
            return self._request("PATCH", f"/messages/{notification.earlier_ref}", content)
        return self._request("POST", "", content)

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Post a message, or edit the first one; post the ending if the first one was deleted."""
        has_first = _names_a_message(notification.earlier_ref)
        response = yield self.prepare(notification, now=now)
        if (
            has_first
            and notification.is_closing
            and response.status_code == HTTPStatus.NOT_FOUND
            and response.json_object().get("code") == _UNKNOWN_MESSAGE
        ):
            notification, has_first = replace(notification, earlier_ref=""), False
            response = yield self.prepare(notification, now=now)
        verdict = self.judge(response)
        # The first message stays the one to edit, not the reminder.
        return (
            replace(verdict, external_ref=notification.earlier_ref)
            if has_first and verdict.succeeded
            else verdict
        )

    def judge(self, response: Response) -> Verdict:
        """Take only a 200 that holds the message for a delivery."""
        status = response.status_code
        if status == HTTPStatus.NO_CONTENT:
            return Verdict(Outcome.ACCEPTED, "answered 204: not asked to wait for the message", status)
        if status < HTTPStatus.MULTIPLE_CHOICES:
            message_id = response.json_object().get("id")
            if status == HTTPStatus.OK and isinstance(message_id, str) and _names_a_message(message_id):
                return Verdict(Outcome.DELIVERED, "answered 200", status, external_ref=message_id)
            return judge_lacking(response, "a message; look at the url")
        # Discord blocks the address of a sender that keeps calling a webhook that is not there.
        verdict = judge_status(response, dead=_DEAD)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return replace(verdict, retry_after_seconds=_wait_seconds(response))
        return verdict

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Ask for the webhook itself, which needs no more than its address; nothing is posted."""
        del now
        return self._request("GET", "", b"")

    def secret_values(self) -> list[str]:
        """Open the token; the id beside it is no secret."""
        return [_path_of(open_secret(self.url))["token"]]

    def _request(self, method: str, path: str, content: bytes) -> PreparedRequest:
        url = open_secret(self.url)
        found = _path_of(url)
        base = f"/api/v10/webhooks/{found['id']}"
        query = httpx.QueryParams(httpx.URL(url).query.decode()).remove("wait")
        if method == "POST":
            # Without it Discord answers before it saves the message, and says nothing if it cannot.
            query = query.set("wait", "true")
        target = f"{public_origin(url)}{base}/{found['token']}{path}"
        return PreparedRequest(
            method,
            f"{target}?{query}" if query else target,
            f"{public_origin(url)}{base}/{REDACTED}{path}",
            ANY_JSON,
            content,
            only_reads=method == "GET",
        )


def _path_of(url: str) -> re.Match[str]:
    found = _PATH.fullmatch(httpx.URL(url).path)
    assert found  # noqa: S101 - as configuration_problem has made sure
    return found


def _names_a_message(reference: str) -> bool:
    return _MESSAGE_ID.fullmatch(reference) is not None


def _wait_seconds(response: Response) -> float | None:
    """Read how long to wait. All three tell seconds: the body and the second header with fractions."""
    waits = (
        _seconds(response.json_object().get("retry_after")),
        _seconds(response.headers.get("x-ratelimit-reset-after")),
        retry_after_seconds(response),
    )
    return max((wait for wait in waits if wait is not None), default=None)


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return clamp_wait(seconds) if seconds >= 0 else None  # which "nan" is not
