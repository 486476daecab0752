"""What the dispatcher does with a provider that answers, refuses, falls silent, or was interrupted."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import State
from rollback_drills.outbox.claims import settle_and_claim
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.deliveries import to_delivery
from rollback_drills.outbox.destinations import find_destinations
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from tests.samples.databases import open_sqlite
from tests.samples.outbox import make_entries

TAKEN = Verdict(Outcome.DELIVERED, "answered 200", 200, external_ref="OPS-1")
SILENT = Verdict(Outcome.AMBIGUOUS, "sent, but no answer came within 15 s")
BUSY = Verdict(Outcome.RETRY, "answered 503", 503)
DEAD = Verdict(Outcome.DISABLED, "answered 410: gone", 410)
DOWN = Verdict(Outcome.RETRY, "the connection was refused")


class Provider:
    """A sender that answers in the order it was told, the last answer from then on."""

    workers: ClassVar[int] = 1
    most_in_one_message: ClassVar[int] = 1
    can_find: ClassVar[bool] = False

    def __init__(
        self, *answers: Verdict | Exception, has: Verdict | None = None, drops: bool = False
    ) -> None:
        self.answers = list(answers)
        self.has = has
        self.drops = drops
        self.sent: list[Notification] = []
        self.asked: list[Notification] = []

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        self.sent.append(notification)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict | None:
        self.asked.append(notification)
        return self.has

    def deduplicates(self, notification: Notification) -> bool:
        return self.drops

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()


class Searchable(Provider):
    can_find: ClassVar[bool] = True


class Chat(Provider):
    most_in_one_message: ClassVar[int] = 3


class Wide(Provider):
    workers: ClassVar[int] = 4


class Uneven(Wide):
    """Takes longer for each notification than for the one before."""

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        await asyncio.sleep(0.02 * int(notification.schedule_id[-1]))
        return await super().send_async(notification, timeout_seconds=timeout_seconds)


class Killed(BaseException):
    """Stands for the end of the process."""


class Deadly(Wide):
    """Ends the process when it sends the first notification."""

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        verdict = await super().send_async(notification, timeout_seconds=timeout_seconds)
        if notification.schedule_id == "payments-00000":
            raise Killed
        return verdict


class SearchableDeadly(Deadly):
    can_find: ClassVar[bool] = True


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_sqlite(tmp_path / "outbox.db")


@pytest.fixture
def deliver(database: Database) -> Callable[..., list[Delivery]]:
    """Commit some notifications, and run the dispatcher over them at an instant."""

    def run(
        provider: Provider, count: int = 1, *, at: float = 0.0, retries: int = 2, patience: float = 0.0
    ) -> list[Delivery]:
        commit(database, list(make_entries(count)), [], now=time.time() if patience else 0.0)
        policy = RetryPolicy(retries, timeout_seconds=15.0, first_wait_seconds=0.01)
        dispatcher = Dispatcher(database, "webhook", provider, policy, patience, random=Random(1))
        if not patience:
            dispatcher.now = lambda: at
        return dispatcher.run()

    return run


def interrupt(database: Database) -> None:
    """Claim one notification as a worker does that is killed before it records anything."""
    commit(database, list(make_entries(1)), [], now=0.0)
    claimed, _ = settle_and_claim(database, "webhook", [], 1, claim="killed", now=0.0, lease_seconds=60.0)
    assert len(claimed) == 1


def test_what_is_taken_is_recorded_with_what_the_provider_calls_it(
    database: Database, deliver: Callable[..., list[Delivery]], caplog: pytest.LogCaptureFixture
) -> None:
    (delivery,) = deliver(Provider(TAKEN))

    assert (delivery.state, delivery.attempt_count, delivery.succeeded) == (State.DELIVERED, 1, True)
    (item,), _ = find_rows(database, OutboxFilter())
    assert (item.state, item.external_ref, item.may_repeat) == (State.DELIVERED, "OPS-1", False)
    assert deliver(Provider(TAKEN)) == [], "nothing is due any more"
    assert "lease" not in caplog.text


def test_the_request_of_an_attempt_is_kept(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    request = RequestSummary("POST", "https://hooks.example.com", {"accept": "x"})

    deliver(Provider(replace(TAKEN, request=request)))

    (item,), _ = find_rows(database, OutboxFilter())
    assert to_delivery(item).verdict.request == request


def test_each_answer_is_recorded_while_others_are_waited_for(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    deliveries = deliver(Uneven(TAKEN), 3)

    assert [each.succeeded for each in deliveries] == [True] * 3
    assert find_rows(database, OutboxFilter(states=[State.DELIVERED]))[1] == 3


def test_nothing_is_touched_while_another_worker_holds_it(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    interrupt(database)

    assert deliver(Provider(TAKEN), at=59.999) == []


@pytest.mark.parametrize(
    ("provider", "asked", "sent", "marked", "state"),
    [
        pytest.param(Searchable(TAKEN, has=TAKEN), 1, 0, False, State.DELIVERED, id="the provider has it"),
        pytest.param(Searchable(TAKEN, has=None), 1, 1, False, State.DELIVERED, id="the provider has it not"),
        pytest.param(Searchable(TAKEN, has=BUSY), 1, 0, True, State.AMBIGUOUS, id="it cannot be asked"),
        pytest.param(Searchable(TAKEN, has=DEAD), 1, 0, True, State.DISABLED, id="nobody may ask it"),
        pytest.param(Provider(TAKEN, drops=True), 0, 1, False, State.DELIVERED, id="it drops repeats"),
        pytest.param(Provider(TAKEN), 0, 1, True, State.DELIVERED, id="it can do neither"),
    ],
)
def test_what_may_have_been_sent_is_asked_for_sent_with_the_same_key_or_marked(
    database: Database,
    deliver: Callable[..., list[Delivery]],
    provider: Provider,
    asked: int,
    sent: int,
    marked: bool,
    state: State,
) -> None:
    interrupt(database)

    (delivery,) = deliver(provider, at=60.0)

    assert (len(provider.asked), len(provider.sent)) == (asked, sent)
    assert (delivery.state, delivery.notification.may_repeat) == (state, marked)
    (item,), _ = find_rows(database, OutboxFilter())
    assert (item.state, item.may_repeat) == (state, marked)
    assert all(each.may_repeat is marked for each in provider.sent)
    assert all(each.notification_id == item.notification_id for each in provider.sent)


def test_what_drops_repeats_and_refuses_one_may_have_an_earlier_one(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    interrupt(database)

    deliver(Provider(BUSY, drops=True), at=60.0)

    (item,), _ = find_rows(database, OutboxFilter())
    assert (item.state, item.may_repeat, item.to_sent_notification().may_have_arrived) == (
        State.RETRY,
        True,
        True,
    )


def test_a_silent_provider_is_asked_only_after_its_search_has_caught_up(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    provider = Searchable(SILENT, TAKEN, has=TAKEN)
    deliver(provider)

    (item,), _ = find_rows(database, OutboxFilter())
    assert item.due_at is not None
    assert item.due_at >= 5.0
    assert deliver(provider, at=4.999) == []
    (delivery,) = deliver(provider, at=item.due_at)
    assert delivery.succeeded
    assert len(provider.sent) == 1


@pytest.mark.slow
def test_a_provider_that_never_answers_is_not_flooded(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    provider = Provider(SILENT)

    for hour in range(48):
        deliver(provider, at=hour * 3600.0)

    assert len(provider.sent) == 3
    assert [each.may_repeat for each in provider.sent] == [False, True, True]
    (item,), _ = find_rows(database, OutboxFilter())
    assert item.state is State.PERMANENT
    assert "look whether it arrived" in item.detail


@pytest.mark.parametrize(
    ("provider", "sent"),
    [
        pytest.param(Deadly(TAKEN), 3, id="repeats may arrive"),
        pytest.param(Deadly(TAKEN, drops=True), 10, id="it drops repeats"),
        pytest.param(SearchableDeadly(TAKEN), 10, id="it can be asked"),
    ],
)
def test_what_ends_the_process_each_time_is_given_up_and_stops_nothing_else(
    database: Database, deliver: Callable[..., list[Delivery]], provider: Deadly, sent: int
) -> None:
    for hour in range(sent):
        with pytest.raises(Killed):
            deliver(provider, 5, at=hour * 3600.0)
    (delivery,) = deliver(provider, 5, at=sent * 3600.0)

    deadly = delivery.notification.notification_id
    assert sum(each.notification_id == deadly for each in provider.sent) == sent
    items, _ = find_rows(database, OutboxFilter())
    found = {each.notification_id: each for each in items}
    dead = found.pop(deadly)
    assert (dead.state, dead.attempt_count, dead.may_repeat) == (State.PERMANENT, sent, True)
    assert dead.detail == (
        f"sent {sent} times without an answer; look whether it arrived"
        " (the process that last tried to send it ended, or was held up, before the answer)"
    )
    assert {each.state for each in found.values()} == {State.DELIVERED}
    assert all(each.attempt_count <= 2 for each in found.values())
    assert deliver(provider, 5, at=1e6) == []


@pytest.mark.slow
def test_a_provider_that_is_down_for_a_week_is_given_up(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    week = 7 * 24
    for hour in range(week):
        assert deliver(Provider(DOWN), at=hour * 3600.0)[0].state is State.RETRY

    (delivery,) = deliver(Provider(DOWN), at=week * 3600.0)

    assert delivery.state is State.PERMANENT
    assert "given up after 169 attempts" in delivery.verdict.detail


@pytest.mark.slow
@pytest.mark.parametrize("retries", [0, 2, 10])
@pytest.mark.parametrize("first_run_at", [0.0, None], ids=["down in one run", "never tried"])
def test_time_without_runs_does_not_count_as_an_outage(
    database: Database, deliver: Callable[..., list[Delivery]], first_run_at: float | None, retries: int
) -> None:
    commit(database, list(make_entries(1)), [], now=0.0)
    if first_run_at is not None:
        deliver(Provider(DOWN), at=first_run_at, retries=retries)
    back = 8 * 24 * 3600.0
    for attempt in range(12):  # the run after the break, and the next one a day later
        (delivery,) = deliver(Provider(DOWN), at=back + attempt * 7200.0, retries=retries)
        assert delivery.state is State.RETRY, delivery.summary

    (delivery,) = deliver(Provider(TAKEN), at=back + 24 * 3600.0)

    assert delivery.succeeded


@pytest.mark.slow
def test_a_provider_that_stays_down_after_a_break_is_given_up_a_week_later(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    deliver(Provider(DOWN))
    back = 8 * 24
    for hour in range(back, back + 7 * 24, 6):
        assert deliver(Provider(DOWN), at=hour * 3600.0)[0].state is State.RETRY

    (delivery,) = deliver(Provider(DOWN), at=(back + 7 * 24) * 3600.0)

    assert delivery.state is State.PERMANENT


def test_a_short_wait_is_spent_inside_the_run(deliver: Callable[..., list[Delivery]]) -> None:
    provider = Provider(BUSY, BUSY, TAKEN)

    (delivery,) = deliver(provider, patience=5.0)

    assert (delivery.succeeded, delivery.attempt_count) == (True, 3)


def test_a_long_wait_is_left_to_the_next_run_and_shown(deliver: Callable[..., list[Delivery]]) -> None:
    started = time.monotonic()

    (delivery,) = deliver(Provider(Verdict(Outcome.RETRY, "answered 429", 429, 600.0)), patience=90.0)

    assert time.monotonic() - started < 60
    assert delivery.next_attempt_at is not None
    assert "next attempt" in delivery.summary


def test_a_destination_that_takes_nothing_is_left_to_the_next_run(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    provider = Wide(BUSY)

    deliver(provider, 200, patience=5.0)

    assert len(provider.sent) <= 16
    assert find_rows(database, OutboxFilter(states=[State.PENDING]))[1] >= 180


def test_after_the_retries_of_a_run_the_next_attempt_is_left_to_the_next_one(
    deliver: Callable[..., list[Delivery]],
) -> None:
    provider = Provider(BUSY)

    (delivery,) = deliver(provider, patience=5.0)

    assert len(provider.sent) == 3
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at - delivery.completed_at == timedelta(seconds=120)


@pytest.mark.parametrize("retries", [0, 2])
def test_one_message_that_is_refused_again_and_again_does_not_hold_up_the_others(
    retries: int, deliver: Callable[..., list[Delivery]]
) -> None:
    deliveries = deliver(Provider(BUSY, TAKEN), 20, retries=retries)

    assert sum(each.succeeded for each in deliveries) == 19


def test_a_dead_connector_is_left_alone(database: Database, deliver: Callable[..., list[Delivery]]) -> None:
    provider = Provider(DEAD)

    deliver(provider, 5)
    deliver(provider, 5, at=3600.0)

    assert len(provider.sent) == 1
    (destination,) = find_destinations(database)
    assert destination.disabled_because == "answered 410: gone"
    assert find_rows(database, OutboxFilter(states=[State.PENDING]))[1] == 4


def test_a_connector_that_breaks_stops_nobody_else(deliver: Callable[..., list[Delivery]]) -> None:
    deliveries = deliver(Provider(RuntimeError("a defect"), TAKEN), 3)

    assert [each.succeeded for each in deliveries].count(True) == 2
    (broken,) = [each for each in deliveries if not each.succeeded]
    assert broken.verdict.detail == "the connector broke (RuntimeError)"
    assert broken.state is State.AMBIGUOUS


def test_a_digest_is_one_message_and_as_many_outcomes(
    database: Database, deliver: Callable[..., list[Delivery]]
) -> None:
    provider = Chat(TAKEN)

    deliveries = deliver(provider, 7)

    assert [len(each.facts) for each in provider.sent[:2]] == [3, 3]
    assert len(provider.sent) == 3
    assert len(deliveries) == 7
    items, _ = find_rows(database, OutboxFilter(states=[State.DELIVERED]))
    assert len(items) == 7
    assert {item.external_ref for item in items} == {"", "OPS-1"}, "of a digest there is no item to edit"


@pytest.mark.parametrize("kind", [Provider, Chat])
@pytest.mark.parametrize("message_id", ["of a row that is gone", b"\xff"])
def test_a_notification_whose_message_is_not_there_goes_out_and_holds_up_nobody(
    database: Database,
    deliver: Callable[..., list[Delivery]],
    kind: Callable[[Verdict], Provider],
    message_id: object,
) -> None:
    commit(database, list(make_entries(3)), [], now=0.0)
    with database.write() as connection:
        damage = "UPDATE outbox SET message_id = :id WHERE sequence = (SELECT min(sequence) FROM outbox)"
        connection.execute(text(damage), {"id": message_id})

    assert len(deliver(kind(TAKEN), 0)) == 3


def test_a_digest_without_an_answer_is_repeated_whole_and_marked(
    deliver: Callable[..., list[Delivery]],
) -> None:
    provider = Chat(SILENT, TAKEN)
    deliver(provider, 3)

    deliver(provider, 3, at=3600.0)

    first, second = provider.sent
    assert (first.notification_id, first.facts) == (second.notification_id, second.facts)
    assert second.may_repeat
    assert "may repeat" in second.footer
