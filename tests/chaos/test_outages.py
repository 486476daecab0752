"""Receivers that are down, busy or slow: everything is delivered in the end, and nothing twice."""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.blocks.system import Secret

from blocks.webhook import WebhookConnector
from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import NOTIFIED, State
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from tests.processes.loopback_receiver import Running, running_receiver
from tests.samples.outbox import make_entries

COUNT = 100


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return an outbox with notifications that are due."""
    opened = Database.open(f"sqlite:///{tmp_path / 'outbox.db'}")
    commit(opened, list(make_entries(COUNT)), [], now=time.time())
    return opened


@pytest.fixture
def port() -> int:
    """Return a port on which nobody listens yet."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        number: int = found.getsockname()[1]
    return number


def dispatcher(database: Database, port: int, *, retries: int = 2) -> Dispatcher:
    """Deliver to the receiver that listens, or not, on a port."""
    connector = WebhookConnector(url=Secret(value=f"http://127.0.0.1:{port}/hook"))
    return Dispatcher(database, "webhook", connector, RetryPolicy(retries, timeout_seconds=2.0))


def check_each_arrived_once(receiver: Running, database: Database) -> None:
    """Compare what arrived with what was committed."""
    taken = [each for each in receiver.received() if each["status"] < 300]
    arrived = Counter(json.loads(each["body"])["notification_id"] for each in taken)
    items, total = find_rows(database, OutboxFilter(states=NOTIFIED), limit=COUNT)
    assert total == COUNT
    assert arrived == Counter(item.notification_id for item in items)


@contextmanager
def back_after(seconds: float, port: int, log: Path) -> Iterator[Running]:
    """Have a receiver that is down at first, and comes back."""
    import threading

    started = threading.Event()
    running: list[Running] = []
    done = threading.Event()

    def serve() -> None:
        time.sleep(seconds)
        with running_receiver(log, port=port) as receiver:
            running.append(receiver)
            started.set()
            done.wait(300)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Running(port, log)
    finally:
        started.wait(300)
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "down_seconds",
    [pytest.param(12.0, id="12 s"), pytest.param(60.0, id="60 s", marks=pytest.mark.chaos)],
)
def test_a_receiver_that_is_down_for_a_while_gets_everything_once(
    down_seconds: float, database: Database, port: int, tmp_path: Path
) -> None:
    with back_after(down_seconds, port, tmp_path / "received.jsonl") as receiver:
        dispatcher(database, port, retries=6).run()  # waits a second, then two, four, eight …
        while find_rows(database, OutboxFilter(states=NOTIFIED))[1] < COUNT:
            time.sleep(1)
            dispatcher(database, port).run()  # as the next checks do
        check_each_arrived_once(receiver, database)


def test_an_outage_of_six_hours_is_survived_by_hourly_checks(
    database: Database, port: int, tmp_path: Path
) -> None:
    start = time.time()

    def check(hour: int) -> list[Delivery]:
        delivery = dispatcher(database, port)
        delivery.now, delivery.patience_seconds = lambda: start + hour * 3600.0, 0.0
        return delivery.run()

    for hour in range(6):
        waiting = check(hour)
        assert waiting
        assert {each.state for each in waiting} == {State.RETRY}
        assert all(each.next_attempt_at for each in waiting)
    with running_receiver(tmp_path / "received.jsonl", port=port) as receiver:
        assert len(check(6)) == COUNT
        check_each_arrived_once(receiver, database)
        assert check(7) == []


@pytest.mark.parametrize("at_once", [1, WebhookConnector.workers])
def test_nothing_goes_to_a_destination_before_the_pause_it_asks_for_is_over(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebhookConnector, "workers", at_once)
    database = Database.open(f"sqlite:///{tmp_path / 'outbox.db'}")
    commit(database, list(make_entries(40)), [], now=time.time())
    busy = {"statuses": [429, *[200] * 40], "headers": {"Retry-After": "2"}}
    with running_receiver(tmp_path / "received.jsonl", **busy) as receiver:
        dispatcher(database, receiver.port).run()

        refused, *others = (each["at"] for each in receiver.received())

    later = others[at_once - 1 :]  # what was on its way already is the first burst
    assert all(each - refused < 0.2 for each in others[: at_once - 1])
    assert 2.0 <= later[0] - refused <= 2.5
    assert later == sorted(later)
    assert len(others) == 40
