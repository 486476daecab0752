"""Hosts whose clocks differ: on PostgreSQL the server's counts, on SQLite one that is behind is reported."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.indexed import Indexed
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.outbox.claims import settle_and_claim
from rollback_drills.outbox.commit import commit
from tests.samples.builders import NOW, open_key
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


@postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("minutes", [-120, -10, 10, 120])
def test_a_host_with_a_wrong_clock_steals_no_lease_and_misses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    now = database.now().timestamp()
    commit(database, list(make_entries(2)), [], now=now)
    claimed, _ = settle_and_claim(database, "webhook", [], 1, claim="other", now=now, lease_seconds=60.0)
    move_host_clock(monkeypatch, minutes * 60)

    sent = deliver(database)

    assert len(sent) == 1
    assert sent != [claimed[0].message_id]
    assert abs(database.now().timestamp() - now) < 60


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


def test_a_clock_that_is_behind_is_noticed_by_a_run_that_writes_nothing(database: Database) -> None:
    append(database, [as_record(start_record("a-plan", "rcd-x", created_at=NOW, signer="host"))], open_key)
    noticed = index(database, NOW - BEHIND, records=0)
    assert (noticed.count, noticed.went_back, noticed.behind) == (0, BEHIND, BEHIND)


def test_a_clock_that_stays_behind_is_noticed_by_every_run(database: Database) -> None:
    index(database, NOW)
    first = index(database, NOW - BEHIND)
    second = index(database, NOW - BEHIND + timedelta(minutes=30))
    assert (first.went_back, first.behind) == (BEHIND, BEHIND)
    assert (second.went_back, second.behind) == (None, BEHIND - timedelta(minutes=30))


@pytest.mark.parametrize("back", [timedelta(0), timedelta(minutes=5)])
def test_clocks_may_differ_a_little(database: Database, back: timedelta) -> None:
    index(database, NOW)
    noticed = index(database, NOW - back)
    assert (noticed.went_back, noticed.behind) == (None, None)
