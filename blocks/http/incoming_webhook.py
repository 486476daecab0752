"""The base of the connectors that post one JSON message to a secret address."""

import re
from abc import ABC, abstractmethod
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final

import httpx
from pydantic import Field

from blocks.addresses import address_problem, public_origin
from blocks.http.connector import HttpConnector
from blocks.http.exchange import ANY_JSON, PreparedRequest, Response
from blocks.http.json_values import JsonObject, fit_json
from blocks.http.responses import judge_status
from blocks.secret_fields import SecretBlock, open_secret
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict
from rollback_drills.redaction.redactor import REDACTED

_ROOT: Final = re.compile("/")


class IncomingWebhook(HttpConnector, ABC):
    """Posts messages to an incoming webhook. A subclass adds the message and the verdict."""

    webhook_name: ClassVar[str]
    """What messages about the settings call it, such as "mattermost webhook"."""
    largest_message: ClassVar[int]
    """The most bytes of a message."""
    dead: ClassVar[frozenset[int]] = frozenset({401, 403, 404})
    """Statuses with which the vendor refuses until a person fixes the connector."""
    public_path: ClassVar[re.Pattern[str]] = _ROOT
    """Matches the beginning of the path that may be shown; the rest is secret."""

    url: SecretBlock = Field(
        title="Webhook URL", description="Address of the incoming webhook; anybody who knows it can post."
    )
    title: str = Field(default="", max_length=60, description="Prefix of every title.")

    @abstractmethod
    def message(self, notification: Notification, title: str) -> JsonObject:
        """Build the message; `title` is the title with the configured text before it."""

    @abstractmethod
    def judge_success(self, response: Response) -> Verdict:
        """Judge a 2xx."""

    def url_problem(self, url: httpx.URL) -> str:
        """Return what is wrong with an address that is a valid URL; empty if nothing is."""
        del url
        return ""

    def is_dead(self, response: Response) -> bool:
        """Whether a refusal means that a person has to fix the connector."""
        return response.status_code in self.dead

    def hint(self, response: Response) -> str | None:
        """Return what a refusal says about itself; by default its body is quoted."""
        del response
        return None

    def target_url(self, url: str) -> str:
        """Return the address to which messages are posted."""
        return url

    def public_url(self, url: str) -> str:
        """Return the address as it may be shown."""
        shown = self.public_path.match(httpx.URL(url).path)
        return f"{public_origin(url)}{shown[0] if shown else '/'}{REDACTED}"

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        url, name = open_secret(self.url), f"the url of the {self.webhook_name}"
        if problem := address_problem(url, name):
            return problem
        problem = self.url_problem(httpx.URL(url))
        return f"{name} {problem}" if problem else ""

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request; a closing message is posted like any other."""
        del now
        url = open_secret(self.url)
        content = fit_json(
            notification,
            lambda shorter: self.message(shorter, f"{self.title} {shorter.title}".strip()),
            self.largest_message,
        )
        return PreparedRequest("POST", self.target_url(url), self.public_url(url), ANY_JSON, content)

    def judge(self, response: Response) -> Verdict:
        """Judge a refusal by its status, and a success as the vendor documents it."""
        if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            return self.judge_success(response)
        dead = frozenset({response.status_code} if self.is_dead(response) else ())
        return judge_status(response, dead=dead, hint=self.hint(response))
