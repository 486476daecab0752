"""How often drills are due, by the calendar: by a rule of RFC 5545, or once per period.

Both are sequences of due times, of which the one that is due follows from the accepted drills alone.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, TypeAlias

from msgspec import Meta

from rollback_drills.documents.fields import Document
from rollback_drills.documents.period_cadence import PeriodCadence, PeriodName
from rollback_drills.documents.recurrence import Recurrence
from rollback_drills.documents.rule_cadence import RuleCadence
from rollback_drills.documents.wall_time import LocalTime, read_start
from rollback_drills.documents.working_days import Shift, WorkCalendar
from rollback_drills.documents.working_time import check_time_zone

CalendarCadence: TypeAlias = RuleCadence | PeriodCadence


class WrittenCadence(Document, frozen=True, gc=False):
    """The key `cadence` of a schedule."""

    rrule: str | None = None
    """A rule of RFC 5545 with FREQ of DAILY, WEEKLY, MONTHLY or YEARLY."""
    once_per: PeriodName | None = None
    """A drill in each of these periods, in place of `rrule`."""
    start: LocalTime | None = None
    """Of a rule its DTSTART; of a period a day in the first one that counts."""
    time_zone: str | None = None
    """A name of the IANA database, such as `Europe/Berlin`."""
    year_starts: Annotated[int, Meta(ge=1, le=12)] = 1
    """The month in which the year of the periods begins."""
    shift: Shift | None = None
    """Moves each due time to a working day."""

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
        start = read_start(self.start)
        if self.rrule is not None:
            if self.year_starts != 1:
                raise ValueError("year_starts goes with once_per only; leave it out")
            _check_once(Recurrence(self.rrule, self.start, self.time_zone))
        elif start != start.replace(hour=0, minute=0, second=0):
            raise ValueError(f"start is {self.start}; with once_per it is a day, such as 2026-01-01")

    def read(self, calendars: Mapping[str, WorkCalendar]) -> CalendarCadence:
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
