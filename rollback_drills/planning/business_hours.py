"""Waits that are counted in the hours in which an owner works, in the owner's time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rollback_drills.documents.working_time import WorkingTime


def add_business_hours(start: datetime, hours: float, working: WorkingTime) -> datetime:
    """Return the instant, in UTC, at which so many working hours have passed since an instant.

    The day begins and ends by the clock on the wall; what passes between is counted in elapsed time, so that
    a day on which the clocks change counts the hours that it really has.

    Args:
        start: From when on; at any hour.
        hours: How many working hours; 0 gives the first instant from `start` on that is in working time.
        working: The days and hours, and the zone in which they are meant. There is one in every week, so that
            the search ends.
    """
    zone, left = ZoneInfo(working.time_zone), timedelta(hours=hours)
    day = start.astimezone(zone).date()
    while True:
        if working.is_working_day(day):
            opens, closes = _at(day, working.start, zone), _at(day, working.end, zone)
            begin = max(opens, start.astimezone(UTC))
            if begin < closes:
                if begin + left < closes or (begin + left == closes and left):
                    return begin + left
                left -= closes - begin
        day += timedelta(days=1)


def _at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall-clock time; one that the clocks skip is read with the offset before."""
    return datetime.combine(day, wall, zone).astimezone(UTC)
