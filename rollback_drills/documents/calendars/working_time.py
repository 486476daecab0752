"""When an owner works: days and hours by the clock on the wall of a time zone."""

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from rollback_drills.documents.calendars.wall_time import to_span
from rollback_drills.documents.calendars.working_days import WEEK, WORKING_WEEK, Day, WorkCalendar
from rollback_drills.documents.fields import Document
from rollback_drills.documents.quotation import show
from rollback_drills.documents.spans import Span
from rollback_drills.documents.unfit_keys import UnfitKeysError
from rollback_drills.names.similar_names import find_similar

_MIDNIGHT: Final = "24:00"
_DAY: Final = timedelta(days=1)
_OF_A_MACHINE: Final = re.compile(r"localtime|posixrules|Factory|(posix|right)/.*")
"""Zones that mean something else on another machine, or count leap seconds."""
_SAME_NAME: Final = 0.85
_Start = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
_End = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]


class BusinessHours(Document, frozen=True, gc=False, omit_defaults=True):
    """From when until when an owner works, and on which days."""

    start: _Start = "09:00"
    """When work begins, by the clock on the wall."""
    end: _End = "17:00"
    """When work ends; on the next day if it is earlier than `start`. 24:00 is the end of the day."""
    days: Annotated[tuple[Day, ...], Meta(min_length=1)] | UnsetType = UNSET
    """The days on which work begins; Monday to Friday if it is absent."""
    calendar: Annotated[str, Meta(min_length=1)] = ""
    """In place of `days`: one of `calendars` of the same document, on whose working days work begins."""

    def __post_init__(self) -> None:
        """Ensure that work has an end, and that its days are given once."""
        if self.calendar and self.days is not UNSET:
            raise UnfitKeysError("has both days and calendar; keep one of them", "days", "calendar")
        if self.end == self.start:
            raise UnfitKeysError(
                f"start and end are both {self.start}; write 00:00 and {_MIDNIGHT} for a whole day",
                "start",
                "end",
            )


class WorkingTime(Document, frozen=True, gc=False, omit_defaults=True):
    """The business hours of one owner in a time zone."""

    time_zone: str = "UTC"
    hours: BusinessHours = BusinessHours()
    calendar: WorkCalendar | None = None
    """The calendar that the hours name."""

    def find_work(self, day: date) -> Span | None:
        """Return the work that begins on a day of the zone; None on a day off."""
        hours = self.hours
        if not self._works_on(day):
            return None
        is_midnight = hours.end == _MIDNIGHT
        end = time() if is_midnight else time.fromisoformat(hours.end)
        last = day + _DAY if is_midnight or hours.end < hours.start else day
        start = datetime.combine(day, time.fromisoformat(hours.start))
        return to_span(start, datetime.combine(last, end), self.time_zone)

    def _works_on(self, day: date) -> bool:
        if self.calendar is not None:
            return self.calendar.is_working_day(day)
        return WEEK[day.weekday()] in (self.hours.days or WORKING_WEEK)


def check_time_zone(name: str) -> None:
    """Ensure that a time zone is known.

    Raises:
        ValueError: It is not.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # as in `wall_time`

    try:
        ZoneInfo(name)
        is_known = not _OF_A_MACHINE.fullmatch(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        is_known = False
    if not is_known:
        raise ValueError(f"time_zone {show(name)} is unknown; {_suggest(name)}")


@lru_cache(maxsize=256)  # thousands of schedules share a mistake
def _suggest(name: str) -> str:
    from zoneinfo import available_timezones

    zones = {zone for zone in available_timezones() if not _OF_A_MACHINE.fullmatch(zone)}
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}
    known = {**cities, **{zone: zone for zone in zones}}
    near = known.get(find_similar(name, known, similar=_SAME_NAME))
    return f"did you mean {show(near)}?" if near else "write a name such as Europe/Berlin or UTC"
