"""The base of the connectors that speak HTTP: a conversation of one request, or of several."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from blocks.connector import Connector, ConnectorError
from blocks.http.client import open_client
from blocks.http.exchange import PreparedRequest, Response, exchange, find_problem
from blocks.trial import trial_notification
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict

T = TypeVar("T")
Conversation: TypeAlias = Generator[PreparedRequest, Response, T]
"""Yields requests, receives their answers, and returns the verdict. It does no input or output.

It receives whole answers only: a redirect, a broken answer or no answer ends it with another verdict.
"""

_ANY_TIME: Final = datetime.fromtimestamp(0, UTC)


class HttpConnector(Connector, ABC):  # Prefect registers no block type whose base is ABC
    """A connector over HTTP. A subclass builds requests and judges answers."""

    judges_by_status: ClassVar[bool] = False
    """Whether the status of an answer is enough: a success then counts even if its body breaks off."""

    @abstractmethod
    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the request for a notification. Pure: no network, no clock.

        Raises:
            ConnectorError: The connector is configured in a way that makes no request.
        """

    @abstractmethod
    def judge(self, response: Response) -> Verdict:
        """Judge an answer; redirects and broken answers never come here."""

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Hand a notification over; one request, unless the vendor needs several."""
        response = yield self.prepare(notification, now=now)
        return self.judge(response)

    def search(self, notification: Notification, *, now: datetime) -> Conversation[Verdict | None]:
        """Ask for a notification whose answer was lost; see `find`. For connectors with `can_find`."""
        raise NotImplementedError(f"{type(self).__name__} cannot find; see can_find")

    def message_problem(self) -> str:
        """Return what keeps a message of this connector from ever being sent; empty if nothing does."""
        try:
            return find_problem(self.prepare(trial_notification(self.name), now=_ANY_TIME))
        except ConnectorError as error:
            return str(error)

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Build the request that tries the connector out: a test message, unless reading is enough."""
        return self.prepare(trial_notification(self.name), now=now)

    def judge_trial(self, response: Response) -> Verdict:
        """Judge the answer to the trial."""
        return self.judge(response)

    def converse_trial(self, *, now: datetime) -> Conversation[Verdict]:
        """Try the connector out."""
        response = yield self.prepare_trial(now=now)
        return self.judge_trial(response)

    def send(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict:
        """Hand the notification to the provider once; not to be called where an event loop runs."""
        return asyncio.run(self.send_async(notification, timeout_seconds=timeout_seconds))

    def check(self, *, timeout_seconds: float = 15.0) -> Verdict:
        """Find out whether the connector works; not to be called where an event loop runs."""
        return asyncio.run(self._conclude(self.converse_trial(now=datetime.now(UTC)), timeout_seconds))

    def find(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict | None:
        """Ask the provider for a notification; not to be called where an event loop runs."""
        return asyncio.run(self.find_async(notification, timeout_seconds=timeout_seconds))

    async def _attempt(self, notification: Notification, timeout_seconds: float) -> Verdict:
        return await self._conclude(self.converse(notification, now=datetime.now(UTC)), timeout_seconds)

    async def find_async(
        self, notification: Notification, *, timeout_seconds: float = 15.0
    ) -> Verdict | None:
        """Ask the provider for a notification that was sent without an answer."""
        search = self.search(notification, now=datetime.now(UTC))
        verdict, request = await _run(search, timeout_seconds, by_status=self.judges_by_status)
        return None if verdict is None else self.redacted(verdict, request)

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """Keep connections open for everything that is sent within the block."""
        return open_client()

    async def _conclude(self, conversation: Conversation[Verdict], timeout_seconds: float) -> Verdict:
        verdict, request = await _run(conversation, timeout_seconds, by_status=self.judges_by_status)
        return self.redacted(verdict, request)


async def _run(
    conversation: Generator[PreparedRequest, Response, T], timeout_seconds: float, *, by_status: bool
) -> tuple[T | Verdict, RequestSummary | None]:
    """Hold a conversation, all of it within the time."""
    until = time.monotonic() + timeout_seconds
    summary: RequestSummary | None = None
    try:
        request = next(conversation)
        while True:
            summary = request.summary()
            answer = await exchange(request, timeout_seconds=max(until - time.monotonic(), 0.001))
            failure = (
                answer if isinstance(answer, Verdict) else _unusable(answer, request, by_status=by_status)
            )
            if failure:
                conversation.close()
                return failure, summary
            assert isinstance(answer, Response)  # noqa: S101 - for mypy
            request = conversation.send(answer)
    except StopIteration as stop:
        return stop.value, summary
    except ConnectorError as error:
        return Verdict(Outcome.PERMANENT, str(error)), summary


def _unusable(response: Response, request: PreparedRequest, *, by_status: bool) -> Verdict | None:
    status = response.status_code
    if status < HTTPStatus.OK:  # 101, or a status that does not exist: nobody says what became of the request
        return Verdict(Outcome.PERMANENT, f"answered {status}, which is no answer; check the url", status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Verdict(Outcome.PERMANENT, f"answered {status}: redirects are refused; update the url", status)
    if response.broken and status < HTTPStatus.MULTIPLE_CHOICES and not by_status:
        outcome = Outcome.RETRY if request.only_reads else Outcome.AMBIGUOUS
        return Verdict(outcome, f"answered {status}, but the answer broke off", status)
    return None
