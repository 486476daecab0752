"""Takes what is due for one provider out of the outbox, and hands it over: claim, send, record."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.delivery.attempt import Finished, Sender, attempt
from rollback_drills.delivery.retries import (
    LONGEST_WAIT_SECONDS,
    Attempts,
    RetryPolicy,
    conclude,
    find_streak_start,
    is_given_up,
)
from rollback_drills.documents.utc import from_seconds
from rollback_drills.notifications.notification import Link, Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import State
from rollback_drills.outbox.claims import (
    Claimed,
    Result,
    next_attempt_at,
    settle_and_claim,
)
from rollback_drills.outbox.digests import form_digests, release_strays
from rollback_drills.outbox.leases import find_lease_seconds, make_claim

_logger = logging.getLogger(__name__)
_SHARED_COMMIT_SECONDS: Final = 0.005
_INTERRUPTED: Final = Verdict(
    Outcome.AMBIGUOUS, "the process that last tried to send it ended, or was held up, before the answer"
)


@dataclass(slots=True)
class Dispatcher:
    """Delivers what is due for one provider, as many at once as its connector allows.

    What was finished is recorded in the transaction that claims what comes next, so that one commit serves
    all that are on their way. Nothing is sent before its claim is on disk.
    """

    database: Database
    provider: str
    sender: Sender
    policy: RetryPolicy
    patience_seconds: float = LONGEST_WAIT_SECONDS
    """How long the run may wait for the next attempt."""
    find_links: Callable[[Sequence[Notification]], tuple[Link, ...]] = lambda _: ()
    """What a reader of a message can open; asked with the notifications that are in it."""
    lease_seconds: float | None = None
    """How long a claim holds; by default as `find_lease_seconds` says."""
    now: Callable[[], float] | None = None
    """The clock of leases and due times; by default the one that all hosts on the database share."""
    random: Random = field(default_factory=Random)

    def run(self) -> list[Delivery]:
        """Deliver until nothing is due that is worth waiting for; return what was tried, in that order.

        Not to be called where an event loop runs.

        Raises:
            DatabaseError: The database cannot be used. What is on its way then becomes ambiguous when its
                lease runs out.
        """
        release_strays(self.database, self.provider)
        if self.sender.most_in_one_message > 1:
            form_digests(self.database, self.provider, self.sender.most_in_one_message)
        return asyncio.run(_Run(self).deliver())


class _Run:
    """The state of one run of a dispatcher."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._its = dispatcher
        self._now = dispatcher.now or dispatcher.database.clock()
        self._is_steady = dispatcher.now is None and dispatcher.database.is_on_one_host
        self._lease = dispatcher.lease_seconds or find_lease_seconds(dispatcher.policy.timeout_seconds)
        self._attempts: dict[str, int] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._failures_in_a_row = 0

    async def deliver(self) -> list[Delivery]:
        async with self._its.sender.connection():
            finished, under_way = list[Finished](), set[asyncio.Task[Finished]]()
            while True:
                claimed = self._settle_and_claim(finished, len(under_way))
                under_way |= {asyncio.create_task(self._attempt(each)) for each in claimed}
                finished = []
                if under_way:
                    finished, under_way = await _collect(under_way)
                elif self._has_given_up or not await self._wait():
                    return list(self._deliveries.values())

    def _settle_and_claim(self, finished: Iterable[Finished], busy: int) -> list[Claimed]:
        its = self._its
        results = [self._conclude(each) for each in finished]
        claimed, late = settle_and_claim(
            its.database,
            its.provider,
            results,
            0 if self._has_given_up else its.sender.workers - busy,
            claim=make_claim(self._lease, steady_now=time.monotonic() if self._is_steady else None),
            now=self._now(),
            lease_seconds=self._lease,
            is_alone=not busy,
        )
        if late:
            _logger.warning("the leases of %d notifications had run out; another worker has them", late)
        return claimed

    @property
    def _has_given_up(self) -> bool:
        """Whether the destination has taken nothing for so long that it is left to the next run."""
        return self._failures_in_a_row > max(self._its.policy.retries, 1) * self._its.sender.workers

    async def _wait(self) -> bool:
        """Wait for the next attempt; return whether there is one within the patience of the run."""
        at = next_attempt_at(self._its.database, self._its.provider)
        if at is None or (wait := at - self._now()) > self._its.patience_seconds:
            return False
        await asyncio.sleep(max(wait, 0.0))
        return True

    async def _attempt(self, message: Claimed) -> Finished:
        started_at, timeout_seconds = self._now(), self._its.policy.timeout_seconds
        if message.is_taken_over and is_given_up(
            message.unanswered_count, is_repeatable=self._is_repeatable(message), is_taken_over=True
        ):
            return Finished(message, _INTERRUPTED, message.is_uncertain, started_at, was_tried=False)

        def is_held() -> bool:
            return self._now() + timeout_seconds <= message.held_until

        try:
            links = self._its.find_links(message.notifications)
            return await attempt(self._its.sender, message, links, timeout_seconds, started_at, is_held)
        except Exception as error:  # noqa: BLE001 - a defect of one connector must not stop the others
            verdict = Verdict(Outcome.AMBIGUOUS, f"the connector broke ({type(error).__name__})")
            return Finished(message, verdict, message.is_uncertain, started_at)

    def _is_repeatable(self, message: Claimed) -> bool:
        return self._its.sender.can_find or self._its.sender.deduplicates(message.notifications[0])

    def _conclude(self, finished: Finished) -> Result:
        message, verdict = finished.message, finished.verdict
        now = self._now()
        tries = self._attempts[message.message_id] = self._attempts.get(message.message_id, 0) + 1
        is_ambiguous = verdict.outcome is Outcome.AMBIGUOUS
        began_at = find_streak_start(
            finished.started_at,
            queued_at=message.queued_at,
            streak_began_at=message.streak_began_at,
            tried_at=message.tried_at,
        )
        attempts = Attempts(
            tries,
            message.attempt_count + finished.was_tried,
            message.unanswered_count + (finished.was_tried and is_ambiguous),
            now - began_at,
            self._is_repeatable(message),
            was_tried=finished.was_tried,
        )
        then = conclude(verdict, attempts, self._its.policy, self._its.random)
        is_failure = then.wait_seconds is not None
        self._failures_in_a_row = self._failures_in_a_row + 1 if is_failure else 0
        due_at = None if then.wait_seconds is None else now + then.wait_seconds
        verdict = replace(verdict, detail=then.detail)
        self._note_delivery(finished, verdict, then.state, now, due_at, attempts)
        request = verdict.request
        return Result(
            message_id=message.message_id,
            claim=message.claim,
            state=then.state,
            due_at=due_at,
            attempt_count=attempts.altogether,
            unanswered_count=attempts.unanswered,
            may_repeat=finished.may_repeat,
            started_at=began_at,
            completed_at=now,
            status_code=verdict.status_code,
            detail=then.detail,
            external_ref=verdict.external_ref if len(message.notifications) == 1 else "",
            size=len(message.notifications),
            request=json.dumps([request.method, request.url, request.headers]) if request else "",
            cool_until=None if then.pause_seconds is None else now + then.pause_seconds,
        )

    def _note_delivery(
        self,
        finished: Finished,
        verdict: Verdict,
        state: State,
        now: float,
        due_at: float | None,
        attempts: Attempts,
    ) -> None:
        for notification in finished.message.notifications:
            earlier = self._deliveries.get(notification.notification_id)
            self._deliveries[notification.notification_id] = Delivery(
                replace(notification, may_repeat=finished.may_repeat),
                verdict,
                attempts.altogether,
                earlier.started_at if earlier else from_seconds(finished.started_at),
                from_seconds(now),
                state,
                None if due_at is None else from_seconds(due_at),
            )


async def _collect(
    under_way: set[asyncio.Task[Finished]],
) -> tuple[list[Finished], set[asyncio.Task[Finished]]]:
    """Wait for one that is finished, and a moment for the others, so that they share a commit."""
    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    if under_way:
        more, under_way = await asyncio.wait(under_way, timeout=_SHARED_COMMIT_SECONDS)
        done |= more
    return [task.result() for task in done], under_way
