"""The base of every connector: sends one notification once and returns a verdict."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Final, Literal, Self, TypeVar
from uuid import uuid4

from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.system import Secret
from prefect.utilities.names import obfuscate
from pydantic import ConfigDict, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from blocks.addresses import credentials_within
from blocks.secret_fields import open_secret
from blocks.text import one_line, shorten
from blocks.tracing import trace_attempt
from rollback_drills.connectors.types import CONNECTOR_TYPES
from rollback_drills.errors import DrillsError
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.notifications.text_notification import make_text_notification
from rollback_drills.redaction.redactor import Redactor, redactor_in_use, remember_secrets

T = TypeVar("T")
_LONGEST_DETAIL: Final = 300
_MODULES: Final = {path.partition(":")[2]: path.partition(":")[0] for path in CONNECTOR_TYPES.values()}
_LONGEST_BODY_QUOTED: Final = 4000
_OBFUSCATED: Final = obfuscate("")
"""What UI V2 shows instead of a secret, and saves instead of its block if nobody chooses that again."""


@cache
def _ask_once(asked: Callable[..., T], *args: Any, **options: Any) -> T:
    """Return what a method of a class returns; Prefect works it out anew each time."""
    return asked(*args, **options)


class ConnectorError(DrillsError):
    """A connector does not exist, is switched off, or cannot be used as it is configured.

    The message is one line that names the connector and the remedy, and holds no secret.
    """


class Connector(NotificationBlock, ABC):
    """A configured way to deliver notifications. A subclass sends one notification."""

    # An error text of pydantic shows its input, and the input of a connector holds the opened secrets.
    model_config = ConfigDict(hide_input_in_errors=True)

    most_in_one_message: ClassVar[int] = 1
    """How many schedules one message to an owner may name; 1 where each must stay an item of its own."""
    workers: ClassVar[int] = 1
    """How many notifications may be sent at once."""
    may_be_empty: ClassVar[frozenset[str]] = frozenset()
    """Optional fields in which an empty text is a choice of its own."""
    can_find: ClassVar[bool] = False
    """Whether `find` asks the vendor for a notification whose answer was lost."""

    enabled: bool = Field(default=True, description="Whether notifications are sent through this connector.")

    replay_approval: Literal["none", "required"] = Field(
        default="none",
        description="Whether a replay through this connector needs the approval of a second person.",
    )

    _known_redactor: Redactor | None = PrivateAttr(default=None)

    @classmethod
    def get_code_example(cls) -> str:
        """Return the example that Prefect shows with the block type: how code loads the block."""
        module = _MODULES.get(cls.__name__, cls.__module__)
        load = f'connector = {cls.__name__}.load("BLOCK_NAME")'
        return f"```python\nfrom {module} import {cls.__name__}\n\n{load}\n```"

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the schema of the class; Prefect asks for it for each field of a block that it saves."""
        return deepcopy(_ask_once(super().model_json_schema, *args, **options))

    @classmethod
    def get_block_type_slug(cls) -> str:
        """Return the slug of the class."""
        slug: str = _ask_once(super().get_block_type_slug)
        return slug

    @abstractmethod
    def send(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict:
        """Hand the notification to the provider once.

        Every failure of the network or the provider ends in a verdict, never in an exception.
        """

    @abstractmethod
    def check(self, *, timeout_seconds: float = 15.0) -> Verdict:
        """Find out whether the connector works, by reading where the provider allows it."""

    def find(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict | None:
        """Ask the provider for a notification that was sent without an answer.

        Returns:
            A verdict that succeeded if the provider has it, None if it surely has not, and a verdict that
            failed if the provider could not be asked.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot find; see can_find")

    async def send_async(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict:
        """Send like `send` without blocking the event loop, as one span of the current trace."""
        return await trace_attempt(self.name, notification, self._attempt(notification, timeout_seconds))

    async def _attempt(self, notification: Notification, timeout_seconds: float) -> Verdict:
        return await asyncio.to_thread(self.send, notification, timeout_seconds=timeout_seconds)

    async def find_async(
        self, notification: Notification, *, timeout_seconds: float = 15.0
    ) -> Verdict | None:
        """Find like `find` without blocking the event loop."""
        return await asyncio.to_thread(self.find, notification, timeout_seconds=timeout_seconds)

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """Keep connections open for everything that is sent within the block."""
        return nullcontext()

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Send a text once, as the automations of Prefect do; it is no notification of a schedule.

        Raises:
            NotificationError: It was not taken, and the caller wants to know.
        """
        self.keep_secrets()
        verdict = Verdict(Outcome.DISABLED, f"the connector {self.name!r} is disabled")
        if self.enabled:
            text = make_text_notification(self.name, body, subject, unique=uuid4().hex, now=datetime.now(UTC))
            verdict = await self.send_async(text)
        if verdict.succeeded:
            return
        if self._raise_on_failure:
            raise NotificationError(verdict.detail)
        self.logger.warning("the text was not taken: %s", verdict.detail)

    def deduplicates(self, notification: Notification) -> bool:
        """Whether the provider itself drops a second request for the same notification."""
        del notification
        return False

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        return ""

    def message_problem(self) -> str:
        """Return what keeps a message of this connector from ever being sent; empty if nothing does."""
        return ""

    @property
    def name(self) -> str:
        """The name under which the connector is saved."""
        return self._block_document_name or self.get_block_type_slug()

    @model_validator(mode="before")
    @classmethod
    def _drop_cleared(cls, values: Any) -> Any:
        """Use the default for a field that a form has left empty, in whichever way it saves that.

        Blanks around a text that somebody pasted into a form are no part of it.
        """
        if not isinstance(values, Mapping):
            return values
        fields = cls.model_fields
        trimmed = {key: _trim(value) for key, value in values.items()}
        return {
            key: value
            for key, value in trimmed.items()
            if key not in fields or fields[key].is_required() or not cls._is_cleared(key, value)
        }

    @classmethod
    def _is_cleared(cls, name: str, value: Any) -> bool:
        if value == "":
            return name not in cls.may_be_empty
        default = cls.model_fields[name].get_default(call_default_factory=True)
        return value is None or (value in ([], {}) and type(value) is not type(default))

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        problem = self._lost_secret() or self.configuration_problem() or self._unsendable()
        if problem:
            raise PydanticCustomError("connector", "{problem}", {"problem": problem})
        return self

    def _lost_secret(self) -> str:
        for name in type(self).model_fields:
            value = getattr(self, name)
            text = open_secret(value) if isinstance(value, Secret) else None
            if text == "":
                return f"the {name} is empty; enter the secret"
            if text == _OBFUSCATED:
                return f"the {name} was lost when its form was saved; choose its Secret block again"
        return ""

    def _unsendable(self) -> str:
        try:
            return self.message_problem()
        except Exception as error:  # noqa: BLE001 - broken settings must show here, not in a run
            return f"no message can be written with these settings ({type(error).__name__})"

    def secret_values(self) -> list[str]:
        """Open every secret of the connector, for the redactor."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        values = [open_secret(value) for value in fields if isinstance(value, Secret)]
        return [*values, *(part for value in values for part in credentials_within(value))]

    def keep_secrets(self) -> None:
        """Hide the secrets of this connector in everything that this process writes."""
        remember_secrets(self.secret_values())

    def redactor(self) -> Redactor:
        """Return a redactor that knows every secret of the connector; made once, its patterns are costly."""
        if self._known_redactor is None:
            self.keep_secrets()
            self._known_redactor = Redactor(self.secret_values())
        return self._known_redactor

    def redacted(self, verdict: Verdict, request: RequestSummary | None = None) -> Verdict:
        """Redact the secrets in a verdict before it is cut: half a secret would not be recognised.

        Those of this connector, with every part of them, and all that the process has opened.
        """
        redactors = (self.redactor(), redactor_in_use())
        # Nearly always there is none, and one look at everything is cheaper than one at each header.
        same = "\n".join((request.url, *request.headers)) if request else ""
        values = request.headers.values() if request else ()
        own = "\n".join((verdict.detail, verdict.external_ref, *values))
        if all(each.repeated_text(same) == same and each.text(own) == own for each in redactors):
            return replace(verdict, detail=_one_short_line(verdict.detail), request=request)
        detail, external_ref = verdict.detail, verdict.external_ref
        for each in redactors:
            detail, external_ref = each.text(detail), each.text(external_ref)
            if request is not None:
                request = replace(request, url=each.text(request.url), headers=each.value(request.headers))
        return replace(verdict, detail=_one_short_line(detail), external_ref=external_ref, request=request)


def _trim(value: Any) -> Any:
    if isinstance(value, list):
        return [_trim(each) for each in value]
    return value.strip() if isinstance(value, str) else value


def _one_short_line(text: str) -> str:
    return shorten(one_line(text[:_LONGEST_BODY_QUOTED]), _LONGEST_DETAIL)
