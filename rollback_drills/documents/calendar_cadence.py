"""How often drills are due, by the calendar: by a rule of RFC 5545, or once per period.

Both are sequences of due times, of which the one that is due follows from the accepted drills alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from itertools import chain, count, dropwhile, takewhile
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from rollback_drills.documents.fields import Document
from rollback_drills.documents.recurrence import LocalTime, Recurrence, read_local, to_instant
from rollback_drills.documents.working_days import Shift, WorkCalendar
from rollback_drills.documents.working_time import check_time_zone

PeriodName: TypeAlias = Literal["month", "quarter", "half_year", "year"]
_MONTHS: Final[Mapping[PeriodName, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_YEAR: Final = 12
_LAST_YEAR: Final = 9999


class WrittenCadence(Document, frozen=True, gc=False):
    """The key `cadence` of a schedule."""

    rrule: str | None = None
    once_per: PeriodName | None = None
    start: LocalTime | None = None
    """Of a rule its DTSTART; of a period a day in the first one that counts."""
    time_zone: str | None = None
    year_starts: Annotated[int, Meta(ge=1, le=12)] = 1
    """The month in which the year of the periods begins."""
    shift: Shift | None = None

    def __post_init__(self) -> None:
        """Ensure that it can be followed.

        Raises:
            ValueError: It cannot; the message says what is wrong and what to write.
        """
        if (self.rrule is None) == (self.once_per is None):
            raise ValueError("needs either rrule or once_per, and not both")
        if self.start is None:
            raise ValueError("start is missing; write when it begins, such as 2026-01-06T10:00")
        if self.time_zone is None:
            raise ValueError("time_zone is missing; write a name such as Europe/Berlin or UTC")
        check_time_zone(self.time_zone)
        start = read_local(self.start)
        if self.rrule is not None:
            if self.year_starts != 1:
                raise ValueError("year_starts goes with once_per only; leave it out")
            _check_once(Recurrence(self.rrule, self.start, self.time_zone))
        elif start != start.replace(hour=0, minute=0, second=0):
            raise ValueError(f"start is {self.start}; with once_per it is a day, such as 2026-01-01")

    def read(self, calendars: Mapping[str, WorkCalendar]) -> "RuleCadence | PeriodCadence":
        """Return what it means, with the calendars of its document."""
        calendar = calendars.get(self.shift.calendar) if self.shift else None
        start, time_zone = self.start or "", self.time_zone or ""
        if self.once_per is not None:
            return PeriodCadence(self.once_per, start, time_zone, self.year_starts, self.shift, calendar)
        return RuleCadence(Recurrence(self.rrule or "", start, time_zone), self.shift, calendar)


# Thousands of schedules share a few rules.
@lru_cache(maxsize=1024)
def _check_once(recurrence: Recurrence) -> None:
    recurrence.check()


class RuleCadence(msgspec.Struct, frozen=True, gc=False):
    """A fixed sequence of due times: each needs an accepted drill."""

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
        return (
            f"{self.recurrence.rule} from {self.recurrence.start} ({self.time_zone}){_describe(self.shift)}"
        )

    def due_times(self) -> Iterator[datetime]:
        """Yield the due times in UTC; shifted ones in the order of the rule.

        Raises:
            OverflowError: There are more than are looked at.
        """
        for local in self.recurrence.local_occurrences():
            yield _to_due(local, self.time_zone, self.shift, self.calendar)

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one.

        Raises:
            OverflowError: There are more than are looked at.
        """
        return dropwhile(lambda each: each <= due_at, self.due_times())

    def counts_from(self, due_at: datetime) -> datetime | None:
        """Return after which time a drill counts for a due time: the one before it; None if every drill does.

        Raises:
            OverflowError: There are more due times than are looked at.
        """
        times = self.due_times()
        first, second = next(times, None), next(times, None)
        if first is None or second is None:
            return None
        if due_at <= first:
            return first - (second - first)
        earlier = takewhile(lambda each: each < due_at, chain([first, second], times))
        return max(earlier, default=None)

    def find_due(self, accepted: Sequence[datetime]) -> datetime | None:
        """Return the first due time that no accepted drill has met; None after the last one.

        A drill meets the due time if it was performed after the one before it, and with it all up to the
        drill. Before the first one, that before it lies as far ahead as the second lies behind.

        Args:
            accepted: When the accepted drills were performed, in their order.

        Raises:
            OverflowError: There are more due times than are looked at.
        """
        times = self.due_times()
        due, following = next(times, None), next(times, None)
        before = due - (following - due) if due and following else None
        for performed_at in accepted:
            if before is not None and performed_at <= before:
                continue
            latest = performed_at if due is None else max(due, performed_at)
            while due is not None and due <= latest:
                before, due, following = due, following, next(times, None)
        return due


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
        return f"once per {name}{begins} ({self.time_zone}){_describe(self.shift)}"

    def due_times(self) -> Iterator[datetime]:
        """Yield the due times in UTC.

        Raises:
            OverflowError: One leaves the year 9999.
        """
        yield from map(self._end_of, count(self._period_of(read_local(self.start))))

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one.

        Raises:
            OverflowError: One leaves the year 9999.
        """
        return dropwhile(lambda each: each <= due_at, self.due_times())

    def counts_from(self, due_at: datetime) -> datetime:
        """Return when the period of a due time begins.

        Raises:
            OverflowError: It leaves the year 9999.
        """
        first = self._period_of(read_local(self.start))
        number = next(each for each in count(first) if self._end_of(each) >= due_at)
        return self._begin_of(number)

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

    def _period_of(self, local: datetime) -> int:
        """Return the number of the period that a local time lies in."""
        return (local.year * _YEAR + local.month - self.year_starts) // _MONTHS[self.period]

    def _end_of(self, number: int) -> datetime:
        return _to_due(self._local_begin_of(number + 1), self.time_zone, self.shift, self.calendar)

    def _begin_of(self, number: int) -> datetime:
        return to_instant(self._local_begin_of(number), self.time_zone)

    def _local_begin_of(self, number: int) -> datetime:
        year, month = divmod(number * _MONTHS[self.period] + self.year_starts - 1, _YEAR)
        if year > _LAST_YEAR:
            raise OverflowError("the cadence leaves the year 9999")
        return datetime.combine(date(year, month + 1, 1), time())


CalendarCadence: TypeAlias = RuleCadence | PeriodCadence


def _to_due(local: datetime, time_zone: str, shift: Shift | None, calendar: WorkCalendar | None) -> datetime:
    if shift and calendar:
        local = shift.move(local, calendar)
    return to_instant(local, time_zone)


def _describe(shift: Shift | None) -> str:
    return f", moved to the {shift.to.replace('_', ' ')} of {shift.calendar}" if shift else ""
