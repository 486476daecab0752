"""Lets a recurrence rule start later, so that nobody counts through the years before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.documents.recurrence import Recurrence, read_local, read_parts

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY_PARTS: Final = ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY")
_DAYS_OF: Final = {"DAILY": 1, "WEEKLY": 7}
_MONTHS_OF: Final = {"MONTHLY": 1, "YEARLY": 12}


def start_later(recurrence: Recurrence, since: datetime) -> Recurrence:
    """Return a recurrence that occurs from a local time on when this one does, and starts shortly before.

    It keeps the rhythm: it starts whole intervals later. A rule with COUNT stays as it is, since its
    occurrences are counted from its start.
    """
    parts = read_parts(recurrence.rule)
    start = read_local(recurrence.start)
    later = start if "COUNT" in parts else _move(start, since, parts["FREQ"], int(parts.get("INTERVAL", 1)))
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
                implied["BYDAY"] = _DAYS[start.weekday()]
            case "MONTHLY":
                implied["BYMONTHDAY"] = str(start.day)
            case "YEARLY":
                implied |= {"BYMONTH": str(start.month), "BYMONTHDAY": str(start.day)}
    return implied
