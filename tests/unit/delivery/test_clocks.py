"""Hosts whose clocks differ: on PostgreSQL the server's counts, on SQLite leases go by no time."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.outbox.claims import settle_and_claim
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.leases import is_running, make_claim
from tests.processes.forked import run_at_once
from tests.samples.builders import NOW, open_key
from tests.samples.databases import open_sqlite
from tests.samples.outbox import make_entries
from tests.samples.outbox_rows import as_it_is
from tests.samples.plain_records import as_record, start_record
from tests.samples.schemas import POSTGRES
from tests.unit.delivery.test_dispatcher import Provider

TAKEN = Verdict(Outcome.DELIVERED, "answered 200", 200)
BEHIND = timedelta(hours=2)
postgresql = pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")


def move_host_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the clock of this host be wrong."""
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + seconds)


def deliver(database: Database) -> list[str]:
    provider = Provider(TAKEN)
    Dispatcher(database, "webhook", provider, RetryPolicy(retries=0), patience_seconds=0.0).run()
    return [each.notification_id for each in provider.sent]


@pytest.mark.parametrize(
    ("url", "minutes"),
    [
        *(("sqlite", minutes) for minutes in (10, 120)),
        *(pytest.param("postgresql", minutes, marks=postgresql) for minutes in (-120, -10, 10, 120)),
    ],
    indirect=["url"],
)
def test_a_host_with_a_wrong_clock_steals_no_lease_and_misses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    now = database.now().timestamp()
    commit(database, list(make_entries(2)), [], now=now)
    claim = make_claim(60.0, steady_now=time.monotonic() if database.is_on_one_host else None)
    claimed, _ = settle_and_claim(database, "webhook", [], 1, claim=claim, now=now, lease_seconds=60.0)
    move_host_clock(monkeypatch, minutes * 60)

    sent = deliver(database)

    assert len(sent) == 1
    assert sent != [claimed[0].message_id]
    moved = minutes * 60 if database.is_on_one_host else 0.0
    assert abs(database.now().timestamp() - moved - now) < 60


def deliver_slowly(file: Path, box: Path, *, ahead_seconds: float) -> None:
    """Deliver everything in a process whose clock is wrong, and write down what was sent."""
    right = time.time
    time.time = lambda: right() + ahead_seconds
    database = Database.at(f"sqlite:///{file}")
    provider = Slow(TAKEN)
    Dispatcher(database, "webhook", provider, RetryPolicy(retries=0), patience_seconds=0.0).run()
    box.write_text("\n".join(f"{each.notification_id} {each.may_repeat}" for each in provider.sent))


class Slow(Provider):
    """Takes a while for each notification."""

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        await asyncio.sleep(0.2)
        return await super().send_async(notification, timeout_seconds=timeout_seconds)


def test_processes_whose_clocks_differ_send_each_message_once(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "outbox.db")
    commit(database, list(make_entries(4)), [], now=time.time())
    database.engine.dispose()
    boxes = {tmp_path / "right": 0.0, tmp_path / "ahead": 600.0}

    codes = run_at_once(
        [
            partial(deliver_slowly, tmp_path / "outbox.db", box, ahead_seconds=seconds)
            for box, seconds in boxes.items()
        ]
    )

    assert codes == [0, 0]
    sent = [line for box in boxes for line in box.read_text().splitlines()]
    assert len(sent) == len(set(sent)) == 4
    assert all(line.endswith(" False") for line in sent)


@pytest.mark.parametrize("minutes", [-120, 120])
def test_a_run_ends_its_leases_by_a_clock_that_nobody_sets(
    monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    clock = Database.at("sqlite://").clock()
    before = clock()
    move_host_clock(monkeypatch, minutes * 60)
    assert 0 <= clock() - before < 60


@pytest.mark.parametrize(
    ("steady_now", "runs"),
    [(999.0, False), (1000.0, True), (1059.9, True), (1062.0, False), (5.0, False)],
    ids=["before", "at its begin", "near its end", "after its end", "after the host was started again"],
)
def test_a_lease_runs_between_its_begin_and_its_end(steady_now: float, runs: bool) -> None:
    assert is_running(make_claim(60.0, steady_now=1000.5), steady_now=steady_now + 0.5) is runs


@pytest.mark.parametrize("claim", ["", "killed", "4711-0123456789ab", b"\xff", None])
def test_a_claim_without_an_end_goes_by_the_time(claim: object) -> None:
    assert not is_running(claim, steady_now=0.0)


def test_the_clock_of_sqlite_is_that_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    before = datetime.now(UTC)
    assert before <= Database.at("sqlite://").now() <= datetime.now(UTC)
    move_host_clock(monkeypatch, 600)
    assert Database.at("sqlite://").clock()() > before.timestamp() + 599


def index(database: Database, at: datetime, *, records: int = 1) -> Indexed:
    record = as_record(start_record("a-plan", "rcd-x", created_at=at, signer="host"))
    return index_run(
        database, [record] * records, created_at=at, signer="host", redact=as_it_is, open_key=open_key
    )


def said_of(indexed: Indexed) -> list[str]:
    """Return what a run says of clocks, without the remedy."""
    return [re.split("[,;]", each)[0] for each in (*indexed.problems, *indexed.notes) if "clock" in each]


def test_a_clock_that_is_behind_is_noticed_by_a_run_that_writes_nothing(database: Database) -> None:
    append(database, [as_record(start_record("a-plan", "rcd-x", created_at=NOW, signer="host"))], open_key)
    noticed = index(database, NOW - BEHIND, records=0)
    assert (noticed.count, noticed.went_back, noticed.behind) == (0, BEHIND, BEHIND)
    assert said_of(noticed) == ["the clock of this machine is 2 h behind the newest evidence"]


def test_a_clock_that_stays_behind_is_noticed_by_every_run(database: Database) -> None:
    index(database, NOW)
    first = index(database, NOW - BEHIND)
    second = index(database, NOW - BEHIND + timedelta(minutes=30))
    assert (first.went_back, first.behind) == (BEHIND, BEHIND)
    assert said_of(first) == ["the clock went back by 2 h since the newest evidence"]
    assert said_of(second) == ["the clock of this machine is 1 h 30 min behind the newest evidence"]
    assert (second.went_back, second.behind) == (None, BEHIND - timedelta(minutes=30))


@pytest.mark.parametrize("back", [timedelta(0), timedelta(minutes=5)])
def test_clocks_may_differ_a_little(database: Database, back: timedelta) -> None:
    index(database, NOW)
    noticed = index(database, NOW - back)
    assert (noticed.went_back, noticed.behind) == (None, None)
