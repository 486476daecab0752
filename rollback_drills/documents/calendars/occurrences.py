"""Finds when a recurrence rule occurs in one year, without counting through the years before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby, takewhile
from operator import attrgetter
from typing import Final

from rollback_drills.documents.calendars.recurrence import Recurrence
from rollback_drills.documents.calendars.rule_parts import DAYS, read_parts, read_until
from rollback_drills.documents.calendars.wall_time import FIRST_YEAR, LAST_YEAR, read_local

_DAY_PARTS: Final = ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY")
_DAYS_OF: Final = {"DAILY": 1, "WEEKLY": 7}
_MONTHS_OF: Final = {"MONTHLY": 1, "YEARLY": 12}
_RULES_KEPT: Final = 256


def find_occurrences(recurrence: Recurrence, year: int) -> tuple[datetime, ...]:
    """Return the local times of a year at which a rule occurs.

    A rule with COUNT is counted from its start, once; any other starts later.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return ()
    if "COUNT" in read_parts(recurrence.rule):
        return _count(recurrence).get(year, ())
    later = _start_later(recurrence, datetime(year, 1, 1))  # noqa: DTZ001 - on the wall
    until_then = takewhile(lambda local: local.year <= year, later.local_occurrences())
    return tuple([local for local in until_then if local.year == year])


@lru_cache(maxsize=_RULES_KEPT)
def find_last_year(recurrence: Recurrence) -> int | None:
    """Return the year after which a rule does not occur any more; None if it does not end."""
    parts = read_parts(recurrence.rule)
    if "COUNT" in parts:
        return max(_count(recurrence))
    until = read_until(parts.get("UNTIL", ""), recurrence.time_zone)
    return until.year if until else None


@lru_cache(maxsize=_RULES_KEPT)
def _count(recurrence: Recurrence) -> Mapping[int, tuple[datetime, ...]]:
    """Return the local times of a rule that counts them, by their years."""
    years = groupby(recurrence.local_occurrences(), attrgetter("year"))
    return {year: tuple(times) for year, times in years}


def _start_later(recurrence: Recurrence, since: datetime) -> Recurrence:
    """Return a recurrence that occurs from a local time on when this one does, and starts shortly before.

    It keeps the rhythm: it starts whole intervals later.
    """
    parts = read_parts(recurrence.rule)
    start = read_local(recurrence.start)
    later = _move(start, since, parts["FREQ"], int(parts.get("INTERVAL", 1)))
    if later <= start:
        return recurrence
    rule = ";".join(f"{name}={value}" for name, value in {**_find_implied(parts, start), **parts}.items())
    return Recurrence(rule, later.isoformat(), recurrence.time_zone)


def _move(start: datetime, since: datetime, frequency: str, interval: int) -> datetime:
    """Return a time by `since` from which whole intervals are as they are from the start."""
    if frequency in _DAYS_OF:
        length = timedelta(days=_DAYS_OF[frequency] * interval)
        return start + (since - start) // length * length
    length_in_months = _MONTHS_OF[frequency] * interval
    first = start.year * 12 + (start.month - 1 if frequency == "MONTHLY" else 0)
    month = first + (since.year * 12 + since.month - 1 - first) // length_in_months * length_in_months
    return start if month <= first else datetime(month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - on the wall


def _find_implied(parts: Mapping[str, str], start: datetime) -> dict[str, str]:
    """Return the parts that a rule without them takes from its start (RFC 5545, 3.3.10)."""
    implied = {"BYHOUR": str(start.hour), "BYMINUTE": str(start.minute), "BYSECOND": str(start.second)}
    if not any(name in parts for name in _DAY_PARTS):
        match parts["FREQ"]:
            case "WEEKLY":
                implied["BYDAY"] = DAYS[start.weekday()]
            case "MONTHLY":
                implied["BYMONTHDAY"] = str(start.day)
            case "YEARLY":
                implied |= {"BYMONTH": str(start.month), "BYMONTHDAY": str(start.day)}
    return implied
