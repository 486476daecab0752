"""Google Chat, through a webhook: one thread for each cycle and owner."""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.http.addresses import address_problem, public_origin
from blocks.http.connector import ANY_JSON, HttpConnector
from blocks.http.exchange import PreparedRequest, Response
from blocks.http.responses import judge_lacking, judge_status
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import escape_within, fit, reference, to_json
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.redaction.redactor import REDACTED

_PATH: Final = re.compile(r"/v1/spaces/[\w-]+/messages/?", re.ASCII)
_SECRET_PARAMETERS: Final = ("key", "token")
_DEAD: Final = frozenset({401, 403, 404})
# Without it Chat ignores the key of the thread and starts a new one.
_IN_ITS_THREAD: Final = {"messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"}

# https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create
_LARGEST_MESSAGE: Final = 32_000
_LONGEST_TEXT: Final = 4096
_LONGEST_THREAD_KEY: Final = 200  # Chat takes 4000


class GoogleChatConnector(HttpConnector):
    """Posts to the one space of a Google Chat webhook.

    Reminders and the ending are replies in the thread of the first message; a webhook cannot edit a message.

    Example:
        ```python
        from blocks.google_chat import GoogleChatConnector

        connector = GoogleChatConnector.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Google Chat webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-google-chat-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://developers.google.com/workspace/chat/quickstart/webhooks"
    )

    # Fifteen of the longest rows fit whole, even where each character has to be escaped.
    most_in_one_message: ClassVar[int] = 15

    url: SecretBlock = Field(
        title="Webhook URL",
        description="Address of the webhook with its key and token; whoever knows it can post.",
    )
    title: str = Field(default="", max_length=60, description="Text put before every title.")

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        url = open_secret(self.url)
        problem = address_problem(url, "the url of the google chat webhook")
        if problem:
            return problem
        parsed = httpx.URL(url)
        has_secrets = all(parsed.params.get(name) for name in _SECRET_PARAMETERS)
        if parsed.userinfo or not _PATH.fullmatch(parsed.path) or not has_secrets:
            return (
                "the url of the google chat webhook must be"
                " https://chat.googleapis.com/v1/spaces/SPACE/messages?key=KEY&token=TOKEN"
            )
        return ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request; an ending is told in the same thread."""
        del now
        url = httpx.URL(open_secret(self.url))
        content = fit(notification, lambda shorter: to_json(self._message(shorter)), _LARGEST_MESSAGE)
        public_url = f"{public_origin(str(url))}{url.path}?{REDACTED}"
        return PreparedRequest(
            "POST", str(url.copy_merge_params(_IN_ITS_THREAD)), public_url, ANY_JSON, content
        )

    def judge(self, response: Response) -> Verdict:
        """Take only a 200 that names the message for a delivery."""
        status = response.status_code
        if status < HTTPStatus.MULTIPLE_CHOICES:
            name = response.json_object().get("name")
            if status == HTTPStatus.OK and isinstance(name, str) and name:
                return Verdict(Outcome.DELIVERED, "answered 200", status, external_ref=name)
            return judge_lacking(response, "a message; look at the url")
        error = response.json_object().get("error")
        hint = f"{error.get('status')}: {error.get('message')}" if isinstance(error, dict) else None
        return judge_status(response, dead=_DEAD, hint=hint)

    def secret_values(self) -> list[str]:
        """Open key and token; the space beside them is no secret."""
        params = httpx.URL(open_secret(self.url)).params
        return [value for name in _SECRET_PARAMETERS for value in params.get_list(name)]

    def _message(self, notification: Notification) -> Mapping[str, Any]:
        title = f"{self.title} {notification.title}".strip()
        # One widget for all facts: Chat drops a section with more than a hundred without saying so, and cuts
        # the label of a decoratedText.
        widgets = [{"textParagraph": {"text": text}} for text in _paragraphs(notification)]
        return {
            "text": escape_within(f"{title}\n{notification.summary}", _LONGEST_TEXT, _break_mentions),
            "thread": {"threadKey": reference(notification, _LONGEST_THREAD_KEY)},
            "cardsV2": [
                {"cardId": notification.notification_id, "card": {"sections": [{"widgets": widgets}]}}
            ],
        }


def _paragraphs(notification: Notification) -> Iterator[str]:
    if notification.facts:
        yield "<br>".join(f"<b>{_escape(label)}</b>: {_escape(value)}" for label, value in notification.facts)
    if notification.acknowledge:
        yield _escape(notification.acknowledge)
    # Chat cannot tell repeated messages apart; a reader can, by the id.
    yield _escape(notification.footer)


def _escape(text: str) -> str:
    """Escape what cards take for HTML: https://developers.google.com/workspace/chat/format-messages."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def _break_mentions(text: str) -> str:
    """Break `<users/all>`, which would ring everybody, and `<url|text>`, which hides where it leads."""
    return text.replace("<", "\uff1c")
