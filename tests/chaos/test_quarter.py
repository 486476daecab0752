"""A quarter with a moved clock: its checks tell exactly what is listed here, and nothing else."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.outbox.commit import commit, find_history
from rollback_drills.planning.outbox_entries import find_departures, find_entries, find_holds, known_names
from rollback_drills.planning.plan_request import PlanRequest
from tests.samples.builders import DRILL, checked, judged, make_subject
from tests.samples.databases import open_sqlite

START = datetime(2026, 2, 1, 0, 30, tzinfo=UTC)
DRILLS = ("2026-01-21T09:00:00Z", "2026-02-22T12:00:00Z", "2026-03-20T08:00:00Z")
FREEZE = {"window_id": "freeze", "start_at": "2026-03-10T00:00:00Z", "end_at": "2026-03-11T18:00:00Z"}
DAYS = 90
HOLIDAY = {"start_at": "2026-04-10T00:00:00Z", "end_at": "2026-04-14T00:00:00Z", "reason": "holiday"}

BOTH = """
02-06T09:30 first
02-13T09:30 repeat
02-20T09:30 worse
02-21T09:30 repeat
02-22T09:30 repeat
02-22T12:30 resolved
03-11T18:30 deferred
03-18T18:30 repeat
03-20T08:30 resolved
04-05T08:30 first
"""
WHILE_TEAM_A_IS_AWAY = {"team-a": "04-14T00:30 deferred\n", "team-b": "04-12T08:30 repeat\n"}
OVERDUE = "04-19T08:30 worse\n" + "".join(
    f"{START.replace(month=4, day=19, hour=8) + timedelta(days=day):%m-%dT%H:%M} repeat\n"
    for day in range(1, 13)
)


class Messenger:
    """Takes every notification, and writes down when, to whom and why."""

    workers: ClassVar[int] = 1
    most_in_one_message: ClassVar[int] = 1
    can_find: ClassVar[bool] = False

    def __init__(self) -> None:
        """Start without any."""
        self.told: list[tuple[str, str]] = []
        self.now = START

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        """Take one."""
        self.told.append((notification.owner, f"{self.now:%m-%dT%H:%M} {notification.reason}"))
        return Verdict(Outcome.DELIVERED)

    async def find_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict | None:
        """Is never asked: it answers always."""
        raise AssertionError

    def deduplicates(self, notification: Notification) -> bool:
        """Drops nothing."""
        return False

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """Need no connection."""
        return nullcontext()


def check(database: Database, messenger: Messenger, now: datetime) -> None:
    """Run one check with the documents as they are at that instant."""
    performed = [at for at in DRILLS if datetime.fromisoformat(at) <= now]
    drills: list[Mapping[str, Any]] = [{**DRILL, "drill_id": at[:10], "executed_at": at} for at in performed]
    subject = make_subject(
        drills,
        next_due_at=None,
        notification_providers=["slack"],
        maintenance_windows=[FREEZE],
        owner_calendars={"team-a": {"unavailable_windows": [HOLIDAY]}},
    )
    judgement = judged(subject, now=now)
    told = find_history(database, [judgement.cycle.cycle_id], known_names([subject], [judgement]))
    request = PlanRequest(notified=told)
    check = checked(subject, request, now=now)
    closing, departures = find_departures([check], request, now=now, clock=now)
    holds = list(find_holds([check.plan], request, now=now))
    entries = [*find_entries(check, request), *closing]
    commit(database, entries, departures, holds, now=now.timestamp())
    messenger.now = now
    Dispatcher(database, "slack", messenger, RetryPolicy(), now=now.timestamp).run()


def check_quarter(database: Database, hours: Iterable[int]) -> None:
    """Check at each of these hours, and compare what both owners were told."""
    messenger = Messenger()

    for hour in hours:
        check(database, messenger, START + timedelta(hours=hour))

    for owner in ("team-a", "team-b"):
        told = "".join(f"{what}\n" for whom, what in messenger.told if whom == owner)
        assert told == BOTH.lstrip() + WHILE_TEAM_A_IS_AWAY[owner] + OVERDUE


@pytest.mark.chaos
def test_a_quarter_of_hourly_checks_tells_exactly_this(tmp_path: Path) -> None:
    check_quarter(open_sqlite(tmp_path / "outbox.db"), range(24 * DAYS))


def test_checks_around_what_happens_in_a_quarter_tell_exactly_this(tmp_path: Path) -> None:
    """Leave out the hours in which nothing happens, but for two of each day."""
    happens = {
        told_at(line)
        for line in (BOTH + "".join(WHILE_TEAM_A_IS_AWAY.values()) + OVERDUE).split("\n")
        if line
    }
    hours = [hour for hour in range(24 * DAYS) if hour % 12 == 0 or {hour - 1, hour, hour + 1} & happens]

    check_quarter(open_sqlite(tmp_path / "outbox.db"), hours)


def told_at(line: str) -> int:
    """Return the hour of a line since the start."""
    at = datetime.strptime(f"{START.year}-{line.split(maxsplit=1)[0]}+00:00", "%Y-%m-%dT%H:%M%z")
    return int((at - START) / timedelta(hours=1))
