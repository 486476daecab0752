"""Times and lengths of time for people; documents have those of `documents.utc`."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

from rollback_drills.rendering.counts import write_count

TIMESTAMP: Final = re.compile(
    r'(?<![\w:."-])(?<!such as )\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)(?!\w|:\d)'
)
"""A time in a text as documents have it, that is neither an example nor quoted from a document."""


def write_minutes(minutes: float) -> str:
    """Write a length of time in the largest unit that fits: `90 minutes`, `2 hours`, `3 days`."""
    for length, unit in ((60 * 24, "day"), (60, "hour")):
        if minutes >= length and minutes % length == 0:
            return write_count(int(minutes // length), unit)
    return "1 minute" if minutes == 1 else f"{minutes:,g} minutes"


def write_duration(seconds: float) -> str:
    """Write how long something lasted, to the minute: `under a minute`, `45 min`, `3 h 5 min`, `2 d 4 h`."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def how_long(instant: str, *, now: datetime) -> str:
    """Return how far away a time is, such as `in 3 days` or `2 weeks ago`."""
    if not instant:
        return "unknown"
    import pendulum  # only people need it, and every start would pay for it

    there, here = pendulum.parse(instant), pendulum.instance(now)
    assert isinstance(there, pendulum.DateTime)  # noqa: S101 - it was written by isoformat
    distance = here.diff_for_humans(there, absolute=True)
    return f"{distance} ago" if there < here else f"in {distance}"


def write_time(instant: datetime, zone: tzinfo = UTC) -> str:
    """Write an instant for people: `28 Nov 2026, 09:02 UTC`, or `28 Nov 2026, 10:02 CET`.

    Raises:
        OverflowError: In that zone it leaves the years 1 to 9999.
    """
    local = instant.astimezone(zone)
    name = local.tzname() or "UTC"
    return f"{local.day} {local:%b %Y, %H:%M} {name if name.isalpha() else f'UTC{name}'}"


def write_times(text: str) -> str:
    """Write the times in a text for people, in UTC."""
    return TIMESTAMP.sub(lambda found: _write_in_utc(found[0]), text)


def _write_in_utc(timestamp: str) -> str:
    try:
        return write_time(datetime.fromisoformat(timestamp))
    except (OverflowError, ValueError):  # no such day, or beyond the calendar in UTC
        return timestamp
