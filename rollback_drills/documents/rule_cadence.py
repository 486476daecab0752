"""Due times by a rule of RFC 5545: a fixed sequence, of which each needs an accepted drill."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import dropwhile, takewhile
from typing import Final

import msgspec

from rollback_drills.documents.occurrences import find_last_year, find_occurrences
from rollback_drills.documents.recurrence import Recurrence
from rollback_drills.documents.wall_time import LAST_YEAR, read_local, to_instant
from rollback_drills.documents.working_days import Shift, WorkCalendar, describe_shift

_YEARS_KEPT: Final = 4096
_FAR: Final = timedelta(days=366)
_SAME_DAY: Final = timedelta(days=2)
"""Two times of one day on any wall are less far apart, also if its clocks change."""


class RuleCadence(msgspec.Struct, frozen=True, gc=False):
    """The due times of a rule; they may move to working days."""

    recurrence: Recurrence
    shift: Shift | None = None
    calendar: WorkCalendar | None = None

    interval_days: None = None
    is_usable: bool = True
    problem: str = ""

    @property
    def time_zone(self) -> str:
        """The zone of its local times."""
        return self.recurrence.time_zone

    @property
    def ends(self) -> bool:
        """Whether there is a last due time."""
        return self.recurrence.ends

    def describe(self) -> str:
        """Describe it for people."""
        rule, start = self.recurrence.rule, self.recurrence.start
        return f"{rule} from {start} ({self.time_zone}){describe_shift(self.shift)}"

    def due_times(self, near: datetime | None = None) -> Iterator[datetime]:
        """Yield the due times in UTC; shifted ones in the order of the rule.

        Args:
            near: Leave out what lies long before this time, so that nobody counts through the years. If there
                is a due time before it, at least one is yielded.

        Raises:
            OverflowError: One leaves the years in which something recurs.
        """
        last = find_last_year(self.recurrence)
        for year in range(self._find_year(near), (last or LAST_YEAR) + 1):
            yield from _find_due_times(self, year)
        if last is None:
            raise OverflowError(f"the cadence leaves the year {LAST_YEAR}")

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one.

        Raises:
            OverflowError: One leaves the years in which something recurs.
        """
        return dropwhile(lambda each: each <= due_at, self.due_times(near=due_at))

    def counts_from(self, due_at: datetime) -> datetime | None:
        """Return after which time a drill counts for a due time: the one before it; None if every drill does.

        Raises:
            OverflowError: It leaves the years in which something recurs.
        """
        earlier = takewhile(lambda each: each < due_at, self.due_times(near=due_at))
        return max(earlier, default=self._before_first)

    def find_due(self, accepted: Sequence[datetime]) -> datetime | None:
        """Return the first due time that no accepted drill has met; None after the last one.

        A drill meets the due time if it was performed after the one before it, and with it all up to the
        drill. Before the first one, that before it lies as far ahead as the second lies behind.

        Args:
            accepted: When the accepted drills were performed, in their order.

        Raises:
            OverflowError: It leaves the years in which something recurs.
        """
        times = self.due_times()
        before, due = self._before_first, next(times, None)
        for performed_at in accepted:
            if before is not None and performed_at <= before:
                continue
            latest = performed_at if due is None else max(due, performed_at)
            if due is not None and latest - due > _FAR:
                times = self.due_times(near=latest)
                due = next(times)
            while due is not None and due <= latest:
                before, due = due, next(times, None)
        return due

    @property
    def _before_first(self) -> datetime | None:
        """From when on a drill counts for the first due time; None if there is no second one."""
        times = self.due_times()
        first, second = next(times, None), next(times, None)
        return first - (second - first) if first and second else None

    def _find_year(self, near: datetime | None) -> int:
        """Return the year with which to begin: all due times of the years before lie before a time.

        Days stay in their order when they are moved, but several can move to the same one.
        """
        first = read_local(self.recurrence.start).year
        for year in range(near.year if near else first, first, -1):
            times = _find_due_times(self, year)
            if near and times and near - times[0] > _SAME_DAY:
                return year
        return first


# Thousands of schedules share a few rules.
@lru_cache(maxsize=_YEARS_KEPT)
def _find_due_times(cadence: RuleCadence, year: int) -> tuple[datetime, ...]:
    """Return the due times of which the rule has the local times in a year, in the order of the rule."""
    shift, calendar, zone = cadence.shift, cadence.calendar, cadence.time_zone
    times = find_occurrences(cadence.recurrence, year)
    if shift and calendar:
        times = tuple([shift.move(local, calendar) for local in times])
    return tuple([to_instant(local, zone) for local in times])
