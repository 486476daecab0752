"""What the dispatcher does when a lease ends early: while a process pauses, or waits for the database."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import chain, repeat
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from tests.samples.databases import open_sqlite
from tests.samples.outbox import make_entries

TAKEN = Verdict(Outcome.DELIVERED, "answered 200", 200)
BUSY = Verdict(Outcome.RETRY, "answered 503", 503)
LEASE_IS_OVER = 61.0  # seconds after the claim, with a timeout of 15


class Provider:
    """Takes everything, and can be asked."""

    workers: ClassVar[int] = 1
    most_in_one_message: ClassVar[int] = 1
    can_find: ClassVar[bool] = True

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.sent: list[Notification] = []

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        self.calls.append("send")
        self.sent.append(notification)
        return TAKEN

    async def find_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict | None:
        self.calls.append("find")
        return None

    def deduplicates(self, notification: Notification) -> bool:
        return False

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()


class Slow(Provider):
    """Answers the first notification only when it is sent again; meanwhile its lease ends."""

    workers: ClassVar[int] = 2
    can_find: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.is_repeated = asyncio.Event()

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        is_first = not self.sent
        is_repeat = any(notification.notification_id == each.notification_id for each in self.sent)
        self.sent.append(notification)
        if is_first:
            await self.is_repeated.wait()
            return BUSY
        if is_repeat:
            self.is_repeated.set()
            await asyncio.sleep(0.05)  # until the first answer is settled
        self.now = LEASE_IS_OVER
        return TAKEN


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_sqlite(tmp_path / "outbox.db")


def deliver(database: Database, provider: Provider, now: Callable[[], float]) -> None:
    """Run the dispatcher over what is due."""
    policy = RetryPolicy(timeout_seconds=15.0)
    Dispatcher(database, "webhook", provider, policy, patience_seconds=0.0, now=now).run()


def test_what_could_not_be_sent_within_its_lease_is_claimed_anew_and_asked_for(database: Database) -> None:
    commit(database, list(make_entries(1)), [], now=0.0)
    claimed_at_and_later = chain([0.0], repeat(LEASE_IS_OVER))
    provider = Provider()

    deliver(database, provider, lambda: next(claimed_at_and_later))

    assert provider.calls == ["find", "send"], "another worker may have sent it"
    (item,), _ = find_rows(database, OutboxFilter())
    assert (item.state, item.attempt_count) == (State.DELIVERED, 2)


@pytest.mark.parametrize(("paused", "sent"), [(45.0, 1), (45.1, 0)])
def test_nothing_is_sent_whose_deadline_is_after_the_end_of_its_lease(
    database: Database, paused: float, sent: int
) -> None:
    commit(database, list(make_entries(1)), [], now=0.0)
    claimed_at_and_later = chain([0.0], repeat(paused))
    provider = Provider()

    deliver(database, provider, lambda: next(claimed_at_and_later))

    assert len(provider.sent) == sent
    (item,), _ = find_rows(database, OutboxFilter())
    assert item.state is (State.DELIVERED if sent else State.SENDING)


def test_an_answer_to_an_earlier_claim_of_the_same_run_changes_nothing(database: Database) -> None:
    commit(database, list(make_entries(2)), [], now=0.0)
    provider = Slow()

    deliver(database, provider, lambda: provider.now)

    assert [each.may_repeat for each in provider.sent] == [False, False, True]
    items, _ = find_rows(database, OutboxFilter())
    assert {item.state for item in items} == {State.DELIVERED}, "what was taken is not sent a third time"
