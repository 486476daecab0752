"""Google Chat, through a webhook: one thread for each cycle and owner."""

import html
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar, Final

import httpx
from pydantic import Field, HttpUrl

from blocks.addresses import public_origin
from blocks.http.exchange import Response
from blocks.http.incoming_webhook import IncomingWebhook
from blocks.http.json_values import JsonObject
from blocks.http.responses import judge_lacking
from blocks.secret_fields import SecretBlock, open_secret
from blocks.text import escape_within, reference
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.redaction.redactor import REDACTED

_PATH: Final = re.compile(r"/v1/spaces/[\w-]+/messages/?", re.ASCII)
_SECRET_PARAMETERS: Final = ("key", "token")
# Without it Chat ignores the key of the thread and starts a new one.
_IN_ITS_THREAD: Final = {"messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"}

# https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create
_LONGEST_TEXT: Final = 4096
_LONGEST_THREAD_KEY: Final = 200  # Chat takes 4000


class GoogleChatConnector(IncomingWebhook):
    """Posts to the one space of a Google Chat webhook.

    Reminders and closing messages are replies in the thread of the first message.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Google Chat webhook"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-google-chat-webhook"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://developers.google.com/workspace/chat/quickstart/webhooks"
    )

    # Fifteen of the longest rows fit whole, even where each character has to be escaped.
    most_in_one_message: ClassVar[int] = 15
    webhook_name: ClassVar[str] = "google chat webhook"
    largest_message: ClassVar[int] = 32_000

    url: SecretBlock = Field(
        title="Webhook URL",
        description="Address of the webhook with its key and token; anybody who knows it can post.",
    )

    def url_problem(self, url: httpx.URL) -> str:
        """Return what is wrong with an address that is a valid URL; empty if nothing is."""
        has_secrets = all(url.params.get(name) for name in _SECRET_PARAMETERS)
        if url.userinfo or not _PATH.fullmatch(url.path) or not has_secrets:
            return "must be https://chat.googleapis.com/v1/spaces/SPACE/messages?key=KEY&token=TOKEN"
        return ""

    def target_url(self, url: str) -> str:
        """Return the address to which messages are posted."""
        return str(httpx.URL(url).copy_merge_params(_IN_ITS_THREAD))

    def public_url(self, url: str) -> str:
        """Return the address as it may be shown."""
        return f"{public_origin(url)}{httpx.URL(url).path}?{REDACTED}"

    def judge_success(self, response: Response) -> Verdict:
        """Count only a 200 that names the message as delivered."""
        status, name = response.status_code, response.json_object().get("name")
        if status == HTTPStatus.OK and isinstance(name, str) and name:
            return Verdict(Outcome.DELIVERED, "answered 200", status, external_ref=name)
        return judge_lacking(response, "a message; check the url")

    def hint(self, response: Response) -> str | None:
        """Return what a refusal says about itself."""
        error = response.json_object().get("error")
        return f"{error.get('status')}: {error.get('message')}" if isinstance(error, dict) else None

    def secret_values(self) -> list[str]:
        """Open key and token; the space beside them is no secret."""
        params = httpx.URL(open_secret(self.url)).params
        return [value for name in _SECRET_PARAMETERS for value in params.get_list(name)]

    def message(self, notification: Notification, title: str) -> JsonObject:
        """Build a message with a card for the facts."""
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
    if notification.links:
        yield " · ".join(
            f'<a href="{html.escape(url)}">{_escape(label)}</a>' for label, url in notification.links
        )
    # Chat cannot recognise repeated messages; a reader can, by the id.
    yield _escape(notification.footer)


def _escape(text: str) -> str:
    """Escape what cards take for HTML: https://developers.google.com/workspace/chat/format-messages."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def _break_mentions(text: str) -> str:
    """Break `<users/all>`, which would notify everybody, and `<url|text>`, which hides its target."""
    return text.replace("<", "\uff1c")
