"""Waits that are counted in the hours in which an owner works, in the owner's time zone."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from rollback_drills.documents.calendars.working_time import WorkingTime

_DAY: Final = timedelta(days=1)


def add_business_hours(start: datetime, hours: float, working: WorkingTime) -> datetime:
    """Return the instant, in UTC, at which so many working hours have passed since an instant.

    Work begins and ends by the clock on the wall; what passes between is counted in elapsed time, so that
    a day on which the clocks change counts the hours that it really has.

    Args:
        start: From when on; at any hour.
        hours: How many working hours; 0 gives the first instant from `start` on that is in working time.
        working: The days and hours, and the zone in which they are meant. There is one in every year, so that
            the search ends.
    """
    counted, left = start.astimezone(UTC), timedelta(hours=hours)
    day = start.astimezone(ZoneInfo(working.time_zone)).date() - _DAY  # whose work may last beyond midnight
    while True:
        if work := working.find_work(day):
            begin, end = max(work.start_at, counted), work.end_at
            if begin < end:
                if begin + left < end or (begin + left == end and left):
                    return begin + left
                left -= end - begin
                counted = end  # where the clocks skip an hour, the next work may begin before
        day += _DAY
