"""Walks through the time of one schedule, from change to change."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.documents.subject import Subject
from rollback_drills.simulation.checks import Checks
from rollback_drills.simulation.follow_up import FollowUps
from rollback_drills.simulation.happenings import AnyHappening
from rollback_drills.simulation.outbox import Row, SimulatedOutbox
from rollback_drills.simulation.people import People
from rollback_drills.simulation.scenario import MOST_RUNS, Scenario

_MOMENT: Final = timedelta(microseconds=1)


class ScheduleWalk:
    """One schedule, its people, and the runs that look after it: each a check, and then a follow-up.

    Between two of the times that `find_next` returns, a run would find nothing to do.
    """

    def __init__(self, subject: Subject, scenario: Scenario) -> None:
        """Begin before the first run."""
        self._scenario, self._outbox = scenario, SimulatedOutbox()
        self._people = People(subject, scenario.assumptions, scenario.since)
        self._checks = Checks(self._people, scenario, self._outbox)
        self._follow_ups = FollowUps(
            self._people,
            self._outbox,
            self.schedule_id,
            self._checks.suppressions,
            self._checks.repeat_after,
        )
        self._judge_at: datetime | None = scenario.since
        """When the readiness changes next; None if it does not."""
        self._decide_at: datetime | None = scenario.since
        """When a decision changes next."""
        self._close_at: datetime | None = None
        """When a route whose cycle is over can be closed with a message."""
        self.cut_off_at: datetime | None = None
        """Where the walk was broken off because there was too much to look at; None if it was not."""

    @property
    def schedule_id(self) -> str:
        """The schedule."""
        return self._checks.cycle.schedule_id

    def walk(self) -> Iterator[AnyHappening]:
        """Yield what happens up to the end."""
        scenario = self._scenario
        now: datetime | None = scenario.first_run(scenario.since)
        for _ in range(MOST_RUNS):
            if now is None or now >= scenario.until:
                yield from self._people.acknowledge(self._outbox, now=scenario.until - _MOMENT)
                return
            yield from self.run(now)
            if self._people.is_exhausted:
                break
            later = self.find_next()
            now = later and max(scenario.first_run(later), now + scenario.every)
        self.cut_off_at = now

    def find_next(self) -> datetime | None:
        """Return when something can change next; None if nothing does."""
        times = (
            self._people.find_performance(),
            self._judge_at,
            self._decide_at,
            self._close_at,
            self._follow_ups.next_at,
        )
        return min(filter(None, times), default=None)

    def run(self, now: datetime) -> list[AnyHappening]:
        """Run a check and a follow-up, after what people have done up to now; return what happens."""
        checks, before = self._checks, self._checks.cycle
        found = self._act(now)
        if _has_come(self._judge_at, now):
            found += checks.judge(now=now)
            self._judge_at = checks.judged_until
        is_new = checks.cycle is not before
        decides, closes = is_new or _has_come(self._decide_at, now), is_new or _has_come(self._close_at, now)
        count = len(found)
        if decides:
            found += [self._hear(row, because) for row, because in checks.decide(now=now)]
        if closes:
            found += checks.close(now=now)
        escalated = False
        if is_new or len(found) > count or _has_come(self._follow_ups.next_at, now):
            rows, ends = self._follow_ups.take_steps(checks.cycle, now=now)
            escalated = bool(rows)
            found += [self._hear(row) for row in rows]
            found += ends
        if decides or escalated:
            self._decide_at = checks.find_next_decision(now=now)
        if closes or escalated:
            self._close_at = checks.find_next_closing(now=now)
        return found

    def _act(self, now: datetime) -> list[AnyHappening]:
        """Let people perform drills and acknowledge what they have heard."""
        found: list[AnyHappening] = []
        while (at := self._people.find_performance()) is not None and at <= now:
            found.append(self._people.perform(self._checks.cycle, at))
            found += self._checks.judge(now=at)
            self._judge_at = self._checks.judged_until if at == now else now
            if self._people.is_exhausted:
                break
        found += self._people.acknowledge(self._outbox, now=now)
        return found

    def _hear(self, row: Row, because: str = "") -> AnyHappening:
        self._people.hear(row)
        return row.describe(because)


def _has_come(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now
