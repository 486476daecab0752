"""Due times by periods of the calendar: one drill in each, at any time of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from msgspec import Meta

from rollback_drills.documents.cadences.cadence import CadenceKeys, CalendarCadence, ZoneName
from rollback_drills.documents.calendars.wall_time import LocalTime, read_local, read_start, to_instant
from rollback_drills.documents.calendars.working_days import (
    LONGEST_SHIFT,
    Shift,
    WorkCalendar,
    describe_shift,
)
from rollback_drills.documents.calendars.working_time import check_time_zone

PeriodName: TypeAlias = Literal["month", "quarter", "half_year", "year"]
_MONTHS: Final[Mapping[PeriodName, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_YEAR: Final = 12
_LAST_YEAR: Final = 9999
_NEAR: Final = timedelta(days=2)
"""More than the time on any wall differs from that in UTC."""


_MINUTE: Final = timedelta(minutes=1)


class PeriodKeys(CadenceKeys, frozen=True, gc=False):
    """A drill in each period of the calendar."""

    counting: ClassVar[str] = "Once per period, a drill counts for its own period alone."

    once_per: PeriodName
    """A drill in each of these periods."""
    start: Annotated[LocalTime, Meta(examples=["2026-01-01"])]
    """A day in the first period that counts."""
    time_zone: ZoneName
    """A name of the IANA database, such as `Europe/Berlin`."""
    year_starts: Annotated[int, Meta(ge=1, le=12)] = 1
    """The month in which the year of the periods begins."""
    shift: Shift | None = None
    """Moves each due time to a working day."""

    def __post_init__(self) -> None:
        """Ensure that they can be followed.

        Raises:
            ValueError: They cannot; the message says what is wrong and what to write.
        """
        check_time_zone(self.time_zone)
        start = read_start(self.start)
        if start.time() != time():
            raise ValueError(f"start is {self.start}; with once_per it is a day, such as 2026-01-01")

    @property
    def calendar_name(self) -> str:
        """The calendar of the document that it names; empty if it names none."""
        return self.shift.calendar if self.shift else ""

    def read(self, calendar: WorkCalendar | None) -> "PeriodCadence":
        """Return what they mean, with the calendar that they name."""
        return PeriodCadence(
            self.once_per,
            self.start,
            self.year_starts,
            self.shift,
            time_zone=self.time_zone,
            calendar=calendar,
        )


class PeriodCadence(CalendarCadence, frozen=True, gc=False):
    """One drill in each period of the calendar; the due time is the end of the period."""

    can_be_late: ClassVar[bool] = False

    period: PeriodName
    start: LocalTime
    year_starts: int = 1
    shift: Shift | None = None

    def describe(self) -> str:
        """Describe it for people."""
        from calendar import month_name  # a millisecond of a start

        name = self.period.replace("_", " ")
        begins = "" if self.year_starts == 1 else f" of years from {month_name[self.year_starts]} on"
        return f"once per {name}{begins} ({self.time_zone}){describe_shift(self.shift)}"

    def due_times(self, near: datetime | None = None) -> Iterator[datetime]:
        """Yield the ends of the periods in UTC."""
        yield from map(self._end_of, count(self._find_period(near)))

    def counts_from(self, due_at: datetime) -> datetime:
        """Return when the period of a due time begins.

        Raises:
            OverflowError: It leaves the year 9999.
        """
        return to_instant(self._local_begin_of(self._number_of(due_at)), self.time_zone)

    def find_punctual(self, due_at: datetime) -> datetime:
        """Return the time of a drill that is just in time: one at the end counts for the next period.

        Raises:
            OverflowError: It leaves the year 9999.
        """
        end = to_instant(self._local_begin_of(self._number_of(due_at) + 1), self.time_zone)
        return min(due_at, end) - _MINUTE

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
        from zoneinfo import ZoneInfo  # few cadences are of the calendar, and every start would pay for it

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
