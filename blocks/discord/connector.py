"""Discord, through a webhook: messages that are edited when the cycle is over."""

import re
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.addresses import public_origin
from blocks.discord.message import build_message
from blocks.http.connector import Conversation
from blocks.http.exchange import ANY_JSON, PreparedRequest, Response
from blocks.http.incoming_webhook import IncomingWebhook
from blocks.http.json_values import JsonObject, to_json
from blocks.http.responses import clamp_wait, judge_lacking, retry_after_seconds
from blocks.secret_fields import SecretBlock, open_secret
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.redaction.redactor import REDACTED

# The version is fixed: before version 8 Discord sent the time to wait in milliseconds.
_PATH: Final = re.compile(r"/api(?:/v\d{1,2})?/webhooks/(?P<id>\d{1,20})/(?P<token>[\w-]+)/?", re.ASCII)
_MESSAGE_ID: Final = re.compile(r"\d{1,20}", re.ASCII)
# https://docs.discord.com/developers/topics/opcodes-and-status-codes
_UNKNOWN_MESSAGE: Final = 10008


class DiscordConnector(IncomingWebhook):
    """Posts to the one channel of a Discord webhook.

    A reminder is a new message. A closing message edits the first message, or is a new message if the first
    one was deleted.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Discord webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-discord-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.discord.com/developers/resources/webhook"
    )

    # Six of the longest rows fit into one description, even where every second character has to be escaped.
    most_in_one_message: ClassVar[int] = 6
    webhook_name: ClassVar[str] = "discord webhook"

    url: SecretBlock = Field(
        title="Webhook URL",
        description="Address of the webhook, with ?thread_id=… for a thread; anybody who knows it can post.",
    )

    def url_problem(self, url: httpx.URL) -> str:
        """Return what is wrong with an address that is a valid URL; empty if nothing is."""
        if url.userinfo or not _PATH.fullmatch(url.path):
            return "must be https://discord.com/api/webhooks/ID/TOKEN"
        return ""

    def deduplicates(self, notification: Notification) -> bool:
        """Whether a second request changes nothing, as when an edit is repeated."""
        return notification.is_closing and _names_a_message(notification.earlier_ref)

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that posts a message or edits the first one."""
        del now
        content = to_json(self.message(notification, f"{self.title} {notification.title}"))
        if notification.is_closing and _names_a_message(notification.earlier_ref):
            return self._request("PATCH", f"/messages/{notification.earlier_ref}", content)
        return self._request("POST", "", content)

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Post a message, or edit the first one; post the closing message if the first one was deleted."""
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

    def message(self, notification: Notification, title: str) -> JsonObject:
        """Build a message with an embed for the facts."""
        return build_message(notification, title)

    def judge_success(self, response: Response) -> Verdict:
        """Count only a 200 that holds the message as delivered."""
        status, message_id = response.status_code, response.json_object().get("id")
        if status == HTTPStatus.NO_CONTENT:
            return Verdict(Outcome.ACCEPTED, "answered 204, without the message", status)
        if status == HTTPStatus.OK and isinstance(message_id, str) and _names_a_message(message_id):
            return Verdict(Outcome.DELIVERED, "answered 200", status, external_ref=message_id)
        return judge_lacking(response, "a message; check the url")

    def judge(self, response: Response) -> Verdict:
        """Wait as long as a 429 asks: Discord blocks a sender that does not."""
        verdict = super().judge(response)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return replace(verdict, retry_after_seconds=_wait_seconds(response))
        return verdict

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Ask for the webhook itself; nothing is posted."""
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
    """Read how long to wait. All three are in seconds; the body and the second header have fractions."""
    waits = (
        _seconds(response.json_object().get("retry_after")),
        _seconds(response.headers.get("x-ratelimit-reset-after")),
        retry_after_seconds(response),
    )
    return max((wait for wait in waits if wait is not None), default=None)


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value)  # type: ignore[arg-type]  # anything else is caught
    except (TypeError, ValueError, OverflowError):
        return None
    return clamp_wait(seconds) if seconds >= 0 else None  # which "nan" is not
