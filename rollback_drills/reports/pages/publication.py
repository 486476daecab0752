"""Which pages a run publishes: those of the schedules that changed, and once a day the page of them all."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from rollback_drills.evidence.checks.population import Changes
from rollback_drills.readiness.states import Readiness
from rollback_drills.reports.pages.run_page import ScheduleRun

MOST_SCHEDULE_PAGES: Final = 200
"""So many schedules get a page in one run; the fleet's page says how many more there were."""
_PRESSING: Final = (Readiness.NEEDS_ATTENTION, Readiness.DUE_SOON)


class Publication(msgspec.Struct, frozen=True):
    """What a run publishes. It is a Struct because Prefect does not look into those."""

    fleet: Sequence[ScheduleRun]
    """All schedules, for the page of the fleet; empty if that is not published."""
    schedules: Sequence[ScheduleRun]
    """Those whose own pages are published."""
    left_out: int
    """How many more have changed."""
    warnings: Sequence[str] = ()
    """What of the documents is left out or unclear, for the page of the fleet."""
    problems: Sequence[str] = ()
    """What fails the run although everything was delivered, for the page of the fleet or only schedule."""

    @property
    def is_any(self) -> bool:
        """Whether there is anything new for people to read."""
        return bool(self.fleet or self.schedules)


def choose_pages(
    runs: Sequence[ScheduleRun],
    changes: Changes | None,
    *,
    is_single: bool,
    now: datetime,
    warnings: Sequence[str] = (),
    problems: Sequence[str] = (),
) -> Publication:
    """Choose what to publish: what is new, the most pressing first.

    The first check of a day (UTC) publishes the page of the fleet, or that of the only schedule, also if
    nothing changed: it carries the head of the evidence.

    Args:
        runs: What the run found and did, by schedule.
        changes: What changed since the last check; None publishes everything.
        is_single: Whether the documents are one schedule, and not a fleet.
        now: The clock of the evidence.
        warnings: What of the documents is left out or unclear, a sentence each.
        problems: What fails the run although everything was delivered, a sentence each.
    """
    news = _find_news(runs, changes)
    is_due = bool(news or problems) or changes is None
    if is_single:
        is_due = is_due or (changes is not None and _is_another_day(changes.previous_at, now))
        return Publication((), runs if is_due else (), 0, problems=problems)
    fleet = runs if is_due or (changes and is_fleet_page_due(changes, now)) else ()
    shown = news[:MOST_SCHEDULE_PAGES]
    return Publication(fleet, shown, len(news) - len(shown), warnings, problems)


def choose_shard_pages(
    runs: Sequence[ScheduleRun], changes: Changes | None, *, shard_count: int
) -> Publication:
    """Choose what a shard publishes: pages of its schedules. Its check publishes the page of the fleet.

    Args:
        runs: What the run found and did, by schedule.
        changes: What changed since the last check; None publishes everything.
        shard_count: How many shards share the number of pages of one check.
    """
    news = _find_news(runs, changes)
    shown = news[: most_pages_of_shard(shard_count)]
    return Publication((), shown, len(news) - len(shown))


def most_pages_of_shard(shard_count: int) -> int:
    """Return how many schedules of a shard get a page in one run."""
    return max(MOST_SCHEDULE_PAGES // shard_count, 1)


def _find_news(runs: Sequence[ScheduleRun], changes: Changes | None) -> list[ScheduleRun]:
    """Return what is new, or what the run tried to notify somebody of, the most pressing first."""
    if changes is None:
        news = list(runs)
    else:
        wanted = changes.find_news()
        news = [each for each in runs if each.plan.schedule_id in wanted or each.is_tried]
    return sort_by_pressing(news)


def sort_by_pressing(runs: Sequence[ScheduleRun]) -> list[ScheduleRun]:
    """Return schedules with those first that are overdue or due soon, else in their order."""
    return sorted(runs, key=lambda each: each.plan.status not in _PRESSING)


def is_fleet_page_due(changes: Changes, now: datetime) -> bool:
    """Return whether the page of a fleet is published: something changed, or it is the first of a day."""
    return changes.is_any or _is_another_day(changes.previous_at, now)


def _is_another_day(previous_at: datetime | None, now: datetime) -> bool:
    return previous_at is None or previous_at.astimezone(UTC).date() != now.astimezone(UTC).date()
