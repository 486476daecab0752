"""Due times by a rule of RFC 5545: a fixed sequence, of which each needs an accepted drill."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from rollback_drills.documents.cadences.cadence import CadenceKeys, CalendarCadence, ZoneName
from rollback_drills.documents.calendars.occurrences import find_last_year, find_occurrences
from rollback_drills.documents.calendars.recurrence import Recurrence
from rollback_drills.documents.calendars.wall_time import (
    LAST_YEAR,
    LocalTime,
    read_local,
    read_start,
    to_instant,
)
from rollback_drills.documents.calendars.working_days import Shift, WorkCalendar, describe_shift
from rollback_drills.documents.calendars.working_time import check_time_zone
from rollback_drills.documents.utc import write_instant

_YEARS_KEPT: Final = 4096
_FAR: Final = timedelta(days=366)
_SAME_DAY: Final = timedelta(days=2)
"""Two times of one day on any wall are less far apart, also if its clocks change."""


_WARNED_BEFORE: Final = timedelta(days=92)
"""A quarter."""


class RuleKeys(CadenceKeys, frozen=True, gc=False):
    """Due times by a rule of RFC 5545."""

    counting: ClassVar[str] = (
        "By a rule, a drill counts for a due time if it was performed after the one before."
    )

    rrule: str
    """A rule of RFC 5545 with FREQ of DAILY, WEEKLY, MONTHLY or YEARLY."""
    start: Annotated[LocalTime, Meta(examples=["2026-01-06T10:00"])]
    """When the rule begins (DTSTART), by the clock on the wall."""
    time_zone: ZoneName
    """A name of the IANA database, such as `Europe/Berlin`."""
    shift: Shift | None = None
    """Moves each due time to a working day."""

    def __post_init__(self) -> None:
        """Ensure that they can be followed.

        Raises:
            ValueError: They cannot; the message says what is wrong and what to write.
        """
        check_time_zone(self.time_zone)
        read_start(self.start)
        self._recurrence.check()

    @property
    def calendar_name(self) -> str:
        """The calendar of the document that it names; empty if it names none."""
        return self.shift.calendar if self.shift else ""

    def read(self, calendar: WorkCalendar | None) -> "RuleCadence":
        """Return what they mean, with the calendar that they name."""
        return RuleCadence(self._recurrence, self.shift, time_zone=self.time_zone, calendar=calendar)

    @property
    def _recurrence(self) -> Recurrence:
        return Recurrence(self.rrule, self.start, self.time_zone)


class RuleCadence(CalendarCadence, frozen=True, gc=False):
    """The due times of a rule; they may move to working days."""

    recurrence: Recurrence
    shift: Shift | None = None

    @property
    def ends(self) -> bool:
        """Whether there is a last due time."""
        return self.recurrence.ends

    def find_warning(self, *, now: datetime) -> str:
        """Return a warning if it begins late, ends within a quarter, or has ended; else empty."""
        if not self.ends:
            return self.find_far_start(now=now)
        last = max(self.due_times())
        if last - now > _WARNED_BEFORE:
            return self.find_far_start(now=now)
        ends = "ended" if last < now else "ends"
        return f"$.cadence {ends} with {write_instant(last)}; nothing is due after it, so extend the rule"

    def describe(self) -> str:
        """Describe it for people."""
        rule, start = self.recurrence.rule, self.recurrence.start
        return f"{rule} from {start} ({self.time_zone}){describe_shift(self.shift)}"

    def due_times(self, near: datetime | None = None) -> Iterator[datetime]:
        """Yield the due times in UTC; shifted ones in the order of the rule."""
        last = find_last_year(self.recurrence)
        for year in range(self._find_year(near), (last or LAST_YEAR) + 1):
            yield from _find_due_times(self, year)
        if last is None:
            raise OverflowError(f"the cadence leaves the year {LAST_YEAR}")

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
