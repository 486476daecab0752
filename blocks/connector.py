"""The base of every connector: sends one notification once and says what became of it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from pydantic import ConfigDict, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from blocks.exchange import PreparedRequest, Response, exchange
from blocks.text import one_line, shorten
from blocks.trial import trial_notification
from rollback_drills.delivery.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.errors import DrillsError
from rollback_drills.notification import Notification
from rollback_drills.redaction import Redactor

if TYPE_CHECKING:
    SecretBlock = Secret[str]
else:
    # Prefect 3.8 takes `Secret[str]` for a block type of its own ("secret-str") and copies a saved
    # Secret into it: the value itself would then be stored in the connector's document.
    SecretBlock = Secret

_LONGEST_DETAIL: Final = 300
_LONGEST_BODY_QUOTED: Final = 4000

ANY_JSON: Final = {"accept": "application/json", "content-type": "application/json"}


class ConnectorError(DrillsError):
    """A connector does not exist, is switched off, or cannot be used as it is configured.

    The message is one line that names the connector and the remedy, and holds no secret.
    """


class Connector(Block, ABC):
    """One configured way to reach people. A subclass says what to send and how to read the answer."""

    # An error text of pydantic shows its input, and the input of a connector holds the opened secrets.
    model_config = ConfigDict(hide_input_in_errors=True)

    enabled: bool = Field(default=True, description="Whether notifications are sent through this connector.")

    _transport: httpx.AsyncBaseTransport | None = PrivateAttr(default=None)

    @abstractmethod
    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request for a notification. Pure: no network, no clock.

        Raises:
            ConnectorError: The connector is configured in a way that makes no request.
        """

    @abstractmethod
    def judge(self, response: Response) -> Verdict:
        """Say what an answer means; redirects and broken answers never come here."""

    def configuration_problem(self) -> str:
        """Say what is wrong with the settings, without a secret; empty if nothing is."""
        return ""

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Build the request that tries the connector out: a test message, unless a reading one can tell."""
        return self.prepare(trial_notification(self.name), now=now)

    def judge_trial(self, response: Response) -> Verdict:
        """Say what the answer to the trial means."""
        return self.judge(response)

    @property
    def name(self) -> str:
        """The name under which the connector is saved."""
        return self._block_document_name or self.get_block_type_slug()

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        problem = self.configuration_problem()
        if problem:
            raise PydanticCustomError("connector", "{problem}", {"problem": problem})
        return self

    async def send(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict:
        """Hand the notification to the provider once.

        Whatever the network or the provider does ends in a verdict, never in an exception.
        """
        return await self._run(
            lambda now: self.prepare(notification, now=now), self.judge, timeout_seconds=timeout_seconds
        )

    async def check(self, *, timeout_seconds: float = 15.0) -> Verdict:
        """Find out whether the connector works, by reading where the provider allows it."""
        return await self._run(
            lambda now: self.prepare_trial(now=now), self.judge_trial, timeout_seconds=timeout_seconds
        )

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return [open_secret(value) for value in fields if isinstance(value, Secret)]

    def redactor(self) -> Redactor:
        """Return a redactor that knows every secret of the connector."""
        return Redactor(self.secret_values())

    async def _run(
        self,
        prepare: Callable[[datetime], PreparedRequest],
        judge: Callable[[Response], Verdict],
        *,
        timeout_seconds: float,
    ) -> Verdict:
        redactor = self.redactor()
        try:
            request = prepare(datetime.now(UTC))
        except ConnectorError as error:
            return _redacted(Verdict(Outcome.PERMANENT, str(error)), None, redactor)
        answer = await exchange(request, timeout_seconds=timeout_seconds, transport=self._transport)
        verdict = _judge(answer, judge) if isinstance(answer, Response) else answer
        return _redacted(verdict, request.summary(), redactor)


def open_secret(secret: "Secret[Any]") -> str:
    """Open a Secret block as text.

    Not by `Secret.get()`: it reads the text as JSON, which turns the token "1e5" into 100000.0.
    """
    value = secret.value.get_secret_value()
    return (value if isinstance(value, str) else json.dumps(value)).strip()


def _judge(response: Response, judge: Callable[[Response], Verdict]) -> Verdict:
    status = response.status_code
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Verdict(Outcome.PERMANENT, f"answered {status}: redirects are refused; update the url", status)
    if response.broken and status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict(Outcome.AMBIGUOUS, f"answered {status}, but the answer broke off", status)
    return judge(response)


def _redacted(verdict: Verdict, request: RequestSummary | None, redactor: Redactor) -> Verdict:
    """Redact before anything is cut: half a secret would not be recognised."""
    if request is not None:
        request = replace(request, url=redactor.text(request.url), headers=redactor.value(request.headers))
    return replace(
        verdict,
        detail=shorten(one_line(redactor.text(verdict.detail)[:_LONGEST_BODY_QUOTED]), _LONGEST_DETAIL),
        external_ref=redactor.text(verdict.external_ref),
        request=request,
    )
