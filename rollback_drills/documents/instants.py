"""Reads timestamps: one text is one instant, whichever reader comes across it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from rollback_drills.documents.calendars.wall_time import FIRST_YEAR, LAST_YEAR
from rollback_drills.documents.fields import Timestamp

_ISO_8601: Final = (
    r"(?ai)(?:\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d(?:-\d)?|\d{4}W\d\d\d?)"
    r"(?:[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?))?)?"
)
"""A day, or a day and a time; compiled when it is first needed, as nearly all times are those of RFC 3339.

Python takes any character between the two, and half a minute as half a second.
"""
_BEFORE_OFFSET: Final = re.compile(r" (?=[Zz+-])")
_FRACTION: Final = re.compile(r"(?<=[.,])(\d{6})(\d+)")
_TIME_STARTS: Final = len("20261105T")
_OFFSET_BEYOND_AN_HOUR: Final = re.compile(r"[+-]\d\d:?(?:\d\d:?)?[6-9]\d")
_END_OF_DAY: Final = re.compile(r"(.*\d[T ])24((?::?00(?::?00(?:[.,]0+)?)?)?(?:Z|[+-].*)?)", re.IGNORECASE)
_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_HALF: Final = "5"


def read_instant(text: str) -> tuple[datetime, bool]:
    """Read an ISO 8601 timestamp as an instant in UTC, and whether it was written with an offset.

    Without an offset it is read as UTC (contract §8.1). A fraction of more than six digits is rounded by
    its seventh digit, as the reader of whole documents does.

    Raises:
        ValueError: The text is no ISO 8601 timestamp, or leaves the years 1 to 9999 in UTC.
    """
    try:
        try:
            # what the reader of whole documents accepts has the value that it has there
            return msgspec.convert(text, Timestamp).astimezone(UTC), True
        except msgspec.ValidationError:
            instant = _read_iso(text)
        if instant.tzinfo is None:
            return instant.replace(tzinfo=UTC), False
        return instant.astimezone(UTC), True
    except OverflowError:
        raise ValueError(text) from None


def explain_far(instant: datetime) -> str:
    """Return why nothing can be judged at a time: what is due before or after it leaves the calendar.

    Returns:
        A clause whose subject is the time, with the remedy; empty if nothing is wrong with it.
    """
    if FIRST_YEAR <= instant.year <= LAST_YEAR:
        return ""
    return f"is not in the years {FIRST_YEAR} to {LAST_YEAR}; use a time between them"


def _read_iso(text: str) -> datetime:
    """Read every other way of ISO 8601 as the standard library does, but round in place of truncating.

    What some versions of Python read and others do not is read, or refused, in all of them.
    """
    if not re.fullmatch(_ISO_8601, text) or _OFFSET_BEYOND_AN_HOUR.search(text, _TIME_STARTS):
        raise ValueError(text)
    text = _BEFORE_OFFSET.sub("", text)
    if midnight := _END_OF_DAY.fullmatch(text):
        return _read_iso(f"{midnight[1]}00{midnight[2]}") + _DAY
    excess = _FRACTION.search(text)
    if excess is None:
        return datetime.fromisoformat(text.upper())
    instant = datetime.fromisoformat((text[: excess.end(1)] + text[excess.end() :]).upper())
    return instant + _MICROSECOND if excess[2] >= _HALF else instant


def read_day_or_instant(text: str) -> datetime:
    """Read a day as its beginning in UTC, or a timestamp as `read_instant` does.

    Raises:
        ValueError: The text is neither.
    """
    return read_instant(text)[0]
