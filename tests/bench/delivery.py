"""Delivering 5,000 notifications through outbox and connector, against sending the same requests plainly."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import httpx
from prefect.blocks.system import Secret

from blocks.addresses import parse_url
from blocks.http.client import Progress, open_client
from blocks.webhook import WebhookConnector
from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.outbox.commit import commit
from tests.bench.figures import alternate, print_throughput
from tests.processes.loopback_receiver import running_receiver
from tests.samples.outbox import make_entries

COUNT = 5_000
AT_ONCE = WebhookConnector.workers
RUNS = 5
HEADERS = {"content-type": "application/json"}


def report() -> None:
    """Print `delivery_ratio`, against plain httpx, and what the same client does without an outbox."""
    with running_receiver() as receiver, tempfile.TemporaryDirectory() as folder:
        connector = WebhookConnector(url=Secret(value=f"{receiver.url}/hook"))
        entries = list(make_entries(COUNT))
        bodies = [connector.prepare(each.notification, now=datetime.now(UTC)).content for each in entries]
        numbers = iter(range(1_000))

        def ours() -> None:
            _deliver(f"sqlite:///{folder}/{next(numbers)}.db", connector, entries)

        ours_took, plain_took = alternate(ours, lambda: _send_plainly(f"{receiver.url}/hook", bodies), RUNS)
        again, own_took = alternate(
            ours, lambda: asyncio.run(_send_bare(f"{receiver.url}/hook", bodies)), RUNS
        )
    print_throughput(
        "delivery_ratio",
        ours_took,
        plain_took,
        at_least=0.9,
        runs=RUNS,
        what=f"{COUNT} notifications, committed, sent, recorded / httpx.Client per thread; {AT_ONCE} at once",
    )
    print_throughput(
        "delivery_ratio_to_own_client",
        again,
        own_took,
        at_least=None,
        runs=RUNS,
        what="the same / the connector's own client without outbox, for information",
    )


def _deliver(url: str, connector: WebhookConnector, entries: Sequence[OutboxEntry]) -> None:
    database = Database.open(url)
    commit(database, entries, [], now=time.time())
    deliveries = Dispatcher(database, "webhook", connector, RetryPolicy()).run()
    assert len(deliveries) == COUNT
    assert all(each.succeeded for each in deliveries)


def _send_plainly(url: str, bodies: Sequence[bytes]) -> None:
    """Send with a synchronous client per thread: the fastest that httpx alone does with so many at once."""
    todo, lock = iter(bodies), threading.Lock()

    def work() -> None:
        with httpx.Client(timeout=15, trust_env=False) as client:
            while (body := _next(todo, lock)) is not None:
                client.post(url, content=body, headers=HEADERS).raise_for_status()

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _next(todo: Iterator[bytes], lock: threading.Lock) -> bytes | None:
    with lock:
        return next(todo, None)


async def _send_bare(url: str, bodies: Sequence[bytes]) -> None:
    todo, address = iter(bodies), parse_url(url)
    async with open_client() as client:

        async def work() -> None:
            for body in todo:
                async with client.send("POST", address, HEADERS, body, Progress()) as answer:
                    answer.raise_for_status()
                    await answer.read()

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
