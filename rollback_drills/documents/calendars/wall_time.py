"""Times by the clock on the wall of a time zone, and when they are in UTC.

Local times that do not exist are read with the offset before the gap, and those that exist twice mean the
first (RFC 5545, 3.3.5).
"""

import re
from datetime import UTC, date, datetime
from typing import Final, TypeAlias

from rollback_drills.documents.quotation import show
from rollback_drills.documents.spans import Span

LocalTime: TypeAlias = str
"""A time by the clock on the wall, such as 2026-01-06T10:00; a day alone means its first moment."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 9900
"""Outside of these years nothing recurs: at the ends of the calendar no instant could be written in UTC."""
_LOCAL_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?", re.ASCII)


def read_local(text: LocalTime, key: str = "start") -> datetime:
    """Read a local time, which stands under a key.

    Raises:
        ValueError: It is none, or there is no such day or time.
    """
    if not _LOCAL_TIME.fullmatch(text):
        raise ValueError(
            f"{key} {show(text)} is no local time; write one such as 2026-01-06T10:00, without an offset"
        )
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{key} {text} does not exist; write a time such as 2026-01-06T10:00") from None


def read_start(text: LocalTime) -> datetime:
    """Read a local time with which something begins that recurs.

    Raises:
        ValueError: It is none, or lies outside of the years in which something recurs.
    """
    start = read_local(text)
    check_year(start, f"start {text}")
    return start


def check_year(day: date, written: str) -> None:
    """Ensure that a day lies in the years in which something recurs.

    Raises:
        ValueError: It does not.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{written} is not in the years {FIRST_YEAR} to {LAST_YEAR}; fix it")


def to_instant(local: datetime, time_zone: str) -> datetime:
    """Return the instant in UTC of a time on the wall.

    Raises:
        OverflowError: In UTC it leaves the years 1 to 9999.
    """
    from zoneinfo import ZoneInfo  # few documents have local times, and every start would pay for it

    return local.replace(tzinfo=ZoneInfo(time_zone), fold=0).astimezone(UTC)


def to_span(start: datetime, end: datetime, time_zone: str) -> Span:
    """Return what lies between two times on the wall; nothing if the clocks skip it.

    Raises:
        OverflowError: In UTC one leaves the years 1 to 9999.
    """
    return Span(to_instant(start, time_zone), to_instant(end, time_zone))
