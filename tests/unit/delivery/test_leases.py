"""What the dispatcher does when a lease ends early: while a process pauses, or waits for the database."""

import threading
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


class Marked(Provider):
    """Cannot be asked."""

    can_find: ClassVar[bool] = False


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_sqlite(tmp_path / "outbox.db")


def deliver_in_thread(database: Database, provider: Provider, now: float) -> None:
    """Run another dispatcher while an event loop runs here."""
    thread = threading.Thread(target=deliver, args=(database, provider, lambda: now))
    thread.start()
    thread.join()


def deliver(database: Database, provider: Provider, now: Callable[[], float]) -> None:
    """Run the dispatcher over what is due."""
    policy = RetryPolicy(timeout_seconds=15.0)
    Dispatcher(database, "webhook", provider, policy, patience_seconds=0.0, now=now).run()


def test_what_could_not_be_sent_within_its_lease_is_no_attempt_and_is_sent_later(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    commit(database, list(make_entries(1)), [], now=0.0)
    claimed_at_and_later = chain([0.0], repeat(LEASE_IS_OVER))
    provider = Provider()

    deliver(database, provider, lambda: next(claimed_at_and_later))
    (left,), _ = find_rows(database, OutboxFilter())
    assert f"the lease of {left.notification_id} ends before it can be sent; it is left" in caplog.text
    deliver(database, provider, lambda: 2 * LEASE_IS_OVER)

    assert (left.state, left.attempt_count, left.may_repeat) == (State.RETRY, 0, False)
    assert provider.calls == ["send"], "nobody has sent it before"
    (item,), _ = find_rows(database, OutboxFilter())
    assert (item.state, item.attempt_count) == (State.DELIVERED, 1)


def test_what_was_left_changes_nothing_if_another_worker_has_taken_over(database: Database) -> None:
    commit(database, list(make_entries(1)), [], now=0.0)

    class Paused(Provider):
        def deduplicates(self, notification: Notification) -> bool:
            if not other.sent:  # between the claim and the end of the lease
                deliver_in_thread(database, other, LEASE_IS_OVER)
            return super().deduplicates(notification)

    other, paused = Provider(), Paused()
    claimed_at_and_later = chain([0.0, 0.0], repeat(LEASE_IS_OVER))
    deliver(database, paused, lambda: next(claimed_at_and_later))

    assert (paused.calls, other.calls) == ([], ["find", "send"])
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
    assert item.state is (State.DELIVERED if sent else State.RETRY)


def test_an_answer_to_an_earlier_claim_changes_nothing(database: Database) -> None:
    commit(database, list(make_entries(1)), [], now=0.0)

    class Slow(Provider):
        async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
            await super().send_async(notification, timeout_seconds=timeout_seconds)
            deliver_in_thread(database, other, LEASE_IS_OVER)  # it takes over before the answer is here
            return BUSY

    slow, other = Slow(), Marked()
    deliver(database, slow, lambda: 0.0)

    assert [each.may_repeat for each in [*slow.sent, *other.sent]] == [False, True]
    (item,), _ = find_rows(database, OutboxFilter())
    assert item.state is State.DELIVERED, "what was taken is not sent a third time"
