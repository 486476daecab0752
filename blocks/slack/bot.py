"""Slack, through a bot: messages that are answered in their thread and edited when the cycle is over."""

import re
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final

from pydantic import Field, HttpUrl

from blocks.addresses import site_problem
from blocks.http.connector import Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response, api_request
from blocks.http.json_values import Json, JsonObject, as_text, fit_json
from blocks.http.responses import disable, judge_lacking, judge_status, retry_after_seconds
from blocks.secret_fields import SecretBlock, open_secret
from blocks.slack.message import LARGEST_MESSAGE, MOST_IN_ONE_MESSAGE, NO_PREVIEWS, build_message
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

_EVENT_TYPE: Final = "rollback_drill_notification"
_REFERENCE: Final = re.compile(r"([CDG][A-Z0-9]{2,30}):(\d{1,20}\.\d{1,10})", re.ASCII)

# https://docs.slack.dev/reference/methods/chat.postMessage and .../chat.update, "Errors"
_BUSY: Final = frozenset({"rate_limited", "ratelimited", "request_timeout", "service_unavailable"})
# "some aspect of the operation may have succeeded"
_UNKNOWN: Final = frozenset({"fatal_error", "internal_error"})
_DEAD: Final = frozenset(
    {
        "account_inactive",
        "channel_not_found",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "not_authed",
        "not_in_channel",
        "token_expired",
        "token_revoked",
    }
)
_DEAD_PREFIX: Final = "restricted_action"
# The earlier message was deleted, or may not be edited or answered any more.
_GONE: Final = frozenset(
    {
        "cannot_reply_to_message",
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
        "thread_not_found",
    }
)


class SlackBotConnector(HttpConnector):
    """Posts to a Slack channel as a bot. The bot needs the scope `chat:write` and must be in the channel.

    A reminder is a reply in the thread of the first message, also shown in the channel. A closing message
    edits the first message. If that message was deleted, both are new messages.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Slack bot"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-slack-bot"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.slack.dev/reference/methods/chat.postMessage"
    )

    most_in_one_message: ClassVar[int] = MOST_IN_ONE_MESSAGE

    token: SecretBlock = Field(title="Bot token", description="Token of the bot, which begins with xoxb.")
    channel: str = Field(
        pattern=r"^[CDG][A-Z0-9]{2,30}$",
        description="Id of the channel, such as C0123ABCD, at the end of the channel's details.",
    )
    api_url: str = Field(default="https://slack.com/api", description="Address of the Web API.")
    title: str = Field(default="", max_length=60, description="Prefix of every title.")

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        return site_problem(self.api_url, "the api_url of the slack bot")

    def deduplicates(self, notification: Notification) -> bool:
        """Whether a second request changes nothing, as when an edit is repeated."""
        return notification.is_closing and _parse_reference(notification.earlier_ref) is not None

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request that posts, answers or edits a message."""
        del now
        arguments: dict[str, Json] = {"metadata": _metadata(notification)}
        earlier = _parse_reference(notification.earlier_ref)
        if earlier is not None and notification.is_closing:
            arguments |= {"channel": earlier[0], "ts": earlier[1]}
            return self._request("chat.update", self._write(notification, arguments))
        arguments |= {"channel": self.channel, **NO_PREVIEWS}
        if earlier is not None:
            arguments |= {"channel": earlier[0], "thread_ts": earlier[1], "reply_broadcast": True}
        return self._request("chat.postMessage", self._write(notification, arguments))

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Answer or edit the earlier message; post a new one if there is none or it was deleted."""
        is_new = _parse_reference(notification.earlier_ref) is None
        response = yield self.prepare(notification, now=now)
        if not is_new and as_text(response.json_object().get("error")) in _GONE:
            notification, is_new = replace(notification, earlier_ref=""), True
            response = yield self.prepare(notification, now=now)
        verdict = self.judge(response)
        # The first message stays the one to come back to, not the reply.
        return (
            verdict
            if is_new or not verdict.succeeded
            else replace(verdict, external_ref=notification.earlier_ref)
        )

    def judge(self, response: Response) -> Verdict:
        """Count only a 200 whose body says ok as delivered; Slack answers 200 to refusals too."""
        status, body = response.status_code, response.json_object()
        error = as_text(body.get("error"))
        detail = f"answered {status}: {error}"
        if error in _UNKNOWN:
            return Verdict(Outcome.AMBIGUOUS, f"{detail} (it may be partly done)", status)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return judge_status(response, hint=error or None)
        if status == HTTPStatus.OK and body.get("ok") is True:
            return Verdict(Outcome.DELIVERED, "answered 200: ok", status, external_ref=_reference(body))
        if error in _BUSY:
            return Verdict(Outcome.RETRY, detail, status, retry_after_seconds(response))
        if error in _DEAD or error.startswith(_DEAD_PREFIX):
            return disable(detail, status)
        if error:
            return Verdict(Outcome.PERMANENT, detail, status)
        return judge_lacking(response, "ok; check the api_url")

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Ask whose token it is; nothing is posted."""
        del now
        return self._request("auth.test", b"{}", only_reads=True)

    def _write(self, notification: Notification, arguments: JsonObject) -> bytes:
        return fit_json(
            notification,
            lambda shorter: {**arguments, **build_message(shorter, f"{self.title} {shorter.title}".strip())},
            LARGEST_MESSAGE,
        )

    def _request(self, method: str, content: bytes, *, only_reads: bool = False) -> PreparedRequest:
        url = f"{self.api_url.rstrip('/')}/{method}"
        headers = {"authorization": f"Bearer {open_secret(self.token)}"}
        return api_request("POST", url, headers, content, only_reads=only_reads)


def _metadata(notification: Notification) -> JsonObject:
    """Describe the message for machines: https://docs.slack.dev/messaging/message-metadata/."""
    return {
        "event_type": _EVENT_TYPE,
        "event_payload": {
            "notification_id": notification.notification_id,
            "reason": notification.reason,
            "may_repeat": notification.may_repeat,
        },
    }


def _reference(body: JsonObject) -> str:
    reference = f"{body.get('channel')}:{body.get('ts')}"
    return reference if _parse_reference(reference) else ""


def _parse_reference(reference: str) -> tuple[str, str] | None:
    found = _REFERENCE.fullmatch(reference)
    return (found[1], found[2]) if found else None
