"""Due times by periods of the calendar: one drill in each, at any time of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count, dropwhile
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from rollback_drills.documents.wall_time import LocalTime, read_local, to_instant
from rollback_drills.documents.working_days import LONGEST_SHIFT, Shift, WorkCalendar, describe_shift

PeriodName: TypeAlias = Literal["month", "quarter", "half_year", "year"]
_MONTHS: Final[Mapping[PeriodName, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_YEAR: Final = 12
_LAST_YEAR: Final = 9999
_NEAR: Final = timedelta(days=2)
"""More than the time on any wall differs from that in UTC."""


class PeriodCadence(msgspec.Struct, frozen=True, gc=False):
    """One drill in each period of the calendar; the due time is the end of the period."""

    period: PeriodName
    start: LocalTime
    time_zone: str
    year_starts: int = 1
    shift: Shift | None = None
    calendar: WorkCalendar | None = None

    interval_days: None = None
    is_usable: bool = True
    problem: str = ""
    ends: bool = False

    def describe(self) -> str:
        """Describe it for people."""
        from calendar import month_name  # a millisecond of a start

        name = self.period.replace("_", " ")
        begins = "" if self.year_starts == 1 else f" of years from {month_name[self.year_starts]} on"
        return f"once per {name}{begins} ({self.time_zone}){describe_shift(self.shift)}"

    def due_times(self, near: datetime | None = None) -> Iterator[datetime]:
        """Yield the due times in UTC.

        Args:
            near: Leave out what lies long before this time.

        Raises:
            OverflowError: One leaves the year 9999.
        """
        yield from map(self._end_of, count(self._find_period(near)))

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one.

        Raises:
            OverflowError: One leaves the year 9999.
        """
        return dropwhile(lambda each: each <= due_at, self.due_times(near=due_at))

    def counts_from(self, due_at: datetime) -> datetime:
        """Return when the period of a due time begins.

        Raises:
            OverflowError: It leaves the year 9999.
        """
        return to_instant(self._local_begin_of(self._number_of(due_at)), self.time_zone)

    def counts_until(self, due_at: datetime) -> datetime:
        """Return when the period of a due time ends: a drill from then on counts for the next one.

        Raises:
            OverflowError: It leaves the year 9999.
        """
        return to_instant(self._local_begin_of(self._number_of(due_at) + 1), self.time_zone)

    def _number_of(self, due_at: datetime) -> int:
        return next(each for each in count(self._find_period(due_at)) if self._end_of(each) >= due_at)

    def find_due(self, accepted: Sequence[datetime]) -> datetime:
        """Return the end of the first period without an accepted drill in it or after it.

        A period without one is missed for good: a later drill counts for its own period.

        Args:
            accepted: When the accepted drills were performed, in their order.

        Raises:
            OverflowError: It leaves the year 9999.
        """
        first = self._period_of(read_local(self.start))
        zone = ZoneInfo(self.time_zone)
        met = max((self._period_of(each.astimezone(zone)) for each in accepted), default=first - 1)
        return self._end_of(max(met + 1, first))

    def _find_period(self, near: datetime | None) -> int:
        """Return the period to begin with: all before it end before a time, wherever their ends are moved."""
        first = self._period_of(read_local(self.start))
        if near is None:
            return first
        return max(first, self._period_of(near - _NEAR - (LONGEST_SHIFT if self.shift else timedelta(0))))

    def _period_of(self, local: datetime) -> int:
        """Return the number of the period that a local time lies in."""
        return (local.year * _YEAR + local.month - self.year_starts) // _MONTHS[self.period]

    def _end_of(self, number: int) -> datetime:
        local = self._local_begin_of(number + 1)
        if self.shift and self.calendar:
            local = self.shift.move(local, self.calendar)
        return to_instant(local, self.time_zone)

    def _local_begin_of(self, number: int) -> datetime:
        year, month = divmod(number * _MONTHS[self.period] + self.year_starts - 1, _YEAR)
        if year > _LAST_YEAR:
            raise OverflowError("the cadence leaves the year 9999")
        return datetime.combine(date(year, month + 1, 1), time())
