"""Kills deliveries with SIGKILL, again and again, and counts what was lost and what arrived twice.

    python -m tests.chaos.storm random --count 2000 --kills 20
    python -m tests.chaos.storm commits --count 40

Workers are forked from this process, which has imported everything, so that a kill costs no start. Prints one
line of JSON.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect.blocks.system import Secret
from sqlalchemy import delete, func, select

from blocks.connector import Connector
from blocks.pagerduty import PagerDutyConnector
from blocks.webhook import WebhookConnector
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import DESTINATIONS, OUTBOX
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.states import NOTIFIED, State
from rollback_drills.outbox.commit import commit
from tests.processes.loopback_receiver import Running, running_receiver
from tests.samples.outbox import make_entries

LEASE_SECONDS = 5.0
_FIRST_COMMITS = 10
_SLOW_SECONDS = 0.03  # how long the receiver takes, so that something is on its way when a worker is killed
POLICY = RetryPolicy(retries=2, timeout_seconds=2.0, first_wait_seconds=0.1)


class Storm:
    """One outbox, one receiver, and workers that are killed."""

    def __init__(self, url: str, receiver: Running, connector: Connector, entries: list[OutboxEntry]) -> None:
        """Prepare; nothing is committed yet."""
        self.url = url
        self.receiver = receiver
        self.connector = connector
        self.entries = entries
        self.in_flight = 0
        self.kills = 0

    def start(self, before: Callable[[], None] = lambda: None) -> int:
        """Fork a worker that commits what is not committed yet and delivers what is due; give its id."""
        process = os.fork()
        if process:
            return process
        try:
            before()
            database = Database.open(self.url)
            commit(database, self.entries, [], now=time.time())
            self._dispatcher(database).run()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - a forked child must not return into its parent
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)

    def kill(self, process: int) -> bool:
        """Kill a worker, and count what was on its way; say whether it was still alive."""
        os.kill(process, signal.SIGKILL)
        return self.note_kill(os.waitpid(process, 0)[1])

    def wait_for_delivery(self) -> None:
        """Wait until something more arrives, for some seconds: a worker may have nothing to send."""
        size, until = self.receiver.log.stat().st_size, time.monotonic() + 5
        while self.receiver.log.stat().st_size == size and time.monotonic() < until:
            time.sleep(0.005)

    def note_kill(self, status: int) -> bool:
        """Count what a worker that ended left on its way; say whether it was killed."""
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return False
        self.kills += 1
        self.in_flight += self.count(State.SENDING)
        return True

    def finish(self) -> None:
        """Deliver the rest, as later runs do."""
        until = time.monotonic() + 120
        while self.count(*NOTIFIED) < len(self.entries):
            assert time.monotonic() < until, "it does not come to an end"
            assert os.waitpid(self.start(), 0)[1] == 0
            time.sleep(LEASE_SECONDS / 4)

    def count(self, *states: State) -> int:
        """Count the notifications in some states."""
        database = Database.open(self.url)
        with database.read() as connection:
            statement = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.state.in_(states))
            return connection.scalar(statement) or 0

    def report(self) -> dict[str, Any]:
        """Compare what was committed with what arrived."""
        bodies = [json.loads(each["body"]) for each in self.receiver.received()]
        arrived: Counter[str] = Counter()
        unmarked = 0
        for body in bodies:
            key = body.get("dedup_key") or body["notification_id"]
            is_marked = body.get("may_repeat") or "dedup_key" in body
            unmarked += bool(arrived[key]) and not is_marked
            arrived[key] += 1
        return {
            "notifications": len(self.entries),
            "kills": self.kills,
            "in_flight_at_the_kills": self.in_flight,
            "lost": len(self.entries) - len(arrived),
            "duplicates": sum(arrived.values()) - len(arrived),
            "unanswered": count_unanswered(Database.open(self.url)),
            "items_too_many": max(len(arrived) - len(self.entries), 0),  # where repeats of a key are dropped
            "unmarked_duplicates": unmarked,
            "undelivered": len(self.entries) - self.count(*NOTIFIED),
        }

    def _dispatcher(self, database: Database) -> Dispatcher:
        return Dispatcher(
            database,
            self.entries[0].provider,
            self.connector,
            POLICY,
            patience_seconds=0.2,
            lease_seconds=LEASE_SECONDS,
        )


def kill_at_random(storm: Storm, kills: int, seed: int) -> None:
    """Kill workers at random instants, each after it has had some time to work.

    On a slow machine that time is over before the first delivery, so half of them are killed after one.
    """
    chance = random.Random(seed)
    while storm.kills < kills and storm.count(*NOTIFIED) < len(storm.entries):
        worker = storm.start()
        if chance.random() < 0.5:
            storm.wait_for_delivery()
        time.sleep(chance.uniform(0.02, 0.35))
        storm.kill(worker)
        time.sleep(LEASE_SECONDS if chance.random() < 0.3 else 0)
    storm.finish()


def dies_at(point: int, *, after: bool) -> Callable[[], None]:
    """Make a worker die at its n-th commit, before or after it."""

    def arm() -> None:
        from contextlib import contextmanager

        write, seen = Database.write, 0

        @contextmanager
        def counted(self: Database) -> Any:
            nonlocal seen
            with write(self) as connection:
                yield connection
                seen += 1
                if seen == point and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)

        Database.write = counted  # type: ignore[method-assign]  # in this child only

    return arm


def kill_at_commits(make: Callable[[], Storm], every: int) -> dict[str, Any]:
    """Kill one worker before and after its commits, with a new outbox every time.

    The first commits are those of the intake and of the first claims, so none of them is left out.
    """
    total: Counter[str] = Counter()
    for after in (False, True):
        point = 1
        while True:
            storm = make()
            was_killed = storm.note_kill(os.waitpid(storm.start(dies_at(point, after=after)), 0)[1])
            storm.finish()
            report = storm.report()
            total.update(report)
            total["too_many_duplicates"] += report["duplicates"] > report["unanswered"]
            if not was_killed:
                total["commits"] = max(total["commits"], point - 1)
                break
            point += 1 if point < _FIRST_COMMITS else every
    return dict(total)


def count_unanswered(database: Database) -> int:
    """Count the attempts that were killed, or that a busy machine did not answer in time."""
    with database.read() as connection:
        return connection.scalar(select(func.sum(OUTBOX.c.unanswered_count))) or 0


def empty(url: str) -> None:
    """Empty the outbox of a database that other runs have used."""
    with Database.open(url).write() as connection:
        connection.execute(delete(OUTBOX))
        connection.execute(delete(DESTINATIONS))


def make_connector(kind: str, url: str) -> Connector:
    """Return a connector that leads to the receiver."""
    if kind == "pagerduty":
        return PagerDutyConnector(routing_key=Secret(value="k" * 32), event_type="alert", api_url=url)
    return WebhookConnector(url=Secret(value=f"{url}/hook"))


def main() -> None:
    """Run one kind of storm."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["random", "commits", "together"])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="Kill at each n-th commit.")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--provider", choices=["webhook", "pagerduty"], default="webhook")
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    answers: dict[str, Any] = {"delay": _SLOW_SECONDS} if given.kind == "random" else {}
    if given.provider == "pagerduty":
        answers |= {"statuses": [202], "body": '{"status":"success","dedup_key":"x"}'}
    with tempfile.TemporaryDirectory() as folder:
        number = 0

        def make() -> Storm:
            nonlocal number
            number += 1
            url = given.database or f"sqlite:///{folder}/{number}.db"
            empty(url)
            log.unlink(missing_ok=True)
            receiver.log.touch()
            entries = list(make_entries(given.count, provider=given.provider))
            return Storm(url, receiver, make_connector(given.provider, receiver.url), entries)

        log = Path(folder) / "received.jsonl"
        with running_receiver(log, **answers) as receiver:
            if given.kind == "commits":
                report = kill_at_commits(make, given.every)
            else:
                storm = make()
                if given.kind == "random":
                    kill_at_random(storm, given.kills, given.seed)
                else:
                    workers = [storm.start() for _ in range(2)]
                    assert [os.waitpid(each, 0)[1] for each in workers] == [0, 0]
                    storm.finish()
                report = storm.report()
    print(json.dumps({**report, "seed": given.seed}))  # noqa: T201 - this is the report


if __name__ == "__main__":
    main()
