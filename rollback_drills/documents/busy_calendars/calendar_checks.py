"""Ensures that the events of an iCalendar file can be followed, and drops what is not read of them."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from rollback_drills.documents.calendars.occurrences import find_occurrences
from rollback_drills.documents.calendars.recurrence import Recurrence
from rollback_drills.documents.calendars.rule_parts import MOST_OCCURRENCES, read_parts, read_until

if TYPE_CHECKING:
    from icalendar.cal import Component

MOST_EVENTS: Final = 5_000
_READ: Final = frozenset(
    "UID SEQUENCE DTSTART DTEND DURATION RRULE EXDATE RDATE RECURRENCE-ID TRANSP STATUS".split()
)
"""What is kept of an event; titles, places and people are not."""
_TIMES: Final = ("DTSTART", "DTEND", "EXDATE", "RDATE", "RECURRENCE-ID")
_SINGLE: Final = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID")
_LAST_YEAR: Final = 9999


def check_events(events: Sequence["Component"]) -> None:
    """Ensure that events can be followed, and drop what is not read of them.

    Raises:
        ValueError: They cannot; the message says which event is wrong, and not what it is about.
    """
    if len(events) > MOST_EVENTS:
        raise ValueError(f"has {len(events):,} events, of at most {MOST_EVENTS:,}; export fewer months")
    changes: Counter[int] = Counter()
    """By year how many occurrences a year there are more from then on, or fewer."""
    for number, event in enumerate(events, 1):
        try:
            _check(event)
            for rule in list_values(event.get("RRULE")):
                first, end, often = _count_rule(rule.to_ical().decode(), list_times(event["DTSTART"])[0])
                changes[first] += often
                changes[end] -= often
        except ValueError as error:
            raise ValueError(f"cannot be read: event {number} {error}") from None
    most = max(accumulate(map(itemgetter(1), sorted(changes.items()))), default=0)
    if most > MOST_OCCURRENCES:
        raise ValueError(
            f"repeats events {most:,} times a year, of at most {MOST_OCCURRENCES:,}; export fewer of them"
        )


def _check(event: "Component") -> None:
    """Ensure that an event can be followed, and drop what is not read of it."""
    broken = {name for name, _ in event.errors if name in _READ}
    broken |= {name for name in _SINGLE if isinstance(event.get(name), list)}
    if broken:
        raise ValueError(f"has an unreadable {min(broken)}; fix it, or export the calendar again")
    if "DTSTART" not in event:
        raise ValueError("has no DTSTART; export the calendar again")
    for name in event.keys() - _READ:
        del event[name]
    for name in _TIMES:
        for value in list_values(event.get(name)):
            if "TZID" in value.params and not all(map(_has_zone, list_times(value))):
                raise ValueError(f"has a {name} in an unknown time zone; write a name such as Europe/Berlin")
    if _ends_before_it_starts(event):
        raise ValueError("ends before it starts; fix it, or export the calendar again")


def _ends_before_it_starts(event: "Component") -> bool:
    """Whether an event surely ends before it starts, in whatever time zone its owner is."""
    if "DURATION" in event:
        return any(each < timedelta() for each in list_times(event["DURATION"]))
    times = [each for name in ("DTSTART", "DTEND") if name in event for each in list_times(event[name])]
    clocks = [each.timestamp() for each in times if isinstance(each, datetime) and each.tzinfo is not None]
    if len(clocks) == len(times):
        return clocks != sorted(clocks)
    # days, or times on the wall of the owner; a mixture with times of a zone has no order without that wall
    return not clocks and len(set(map(type, times))) == 1 and times != sorted(times)


def _count_rule(rule: str, start: date) -> tuple[int, int, int]:
    """Ensure that a rule is one of days or rarer, and occurs.

    Returns:
        The year in which it begins, that in which it certainly has ended, and how often it occurs in a year.
    """
    parts = read_parts(rule)
    lasting = ";".join(f"{name}={text}" for name, text in parts.items() if name not in ("COUNT", "UNTIL"))
    local = start.replace(tzinfo=None, microsecond=0) if isinstance(start, datetime) else start
    recurrence = Recurrence(lasting, local.isoformat(), "UTC")
    recurrence.check()
    often = max(1, len(find_occurrences(recurrence, start.year + 1)))
    end = _LAST_YEAR
    if until := read_until(parts.get("UNTIL", ""), "UTC"):
        end = until.year
    elif "COUNT" in parts:
        end = start.year + int(parts["COUNT"]) // often + 1
    return start.year, end + 1, often


def list_values(value: Any) -> list[Any]:
    """Return the values of a property, of which an event may have none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def list_times(value: Any) -> list[Any]:
    """Return the times of a property, which may have several."""
    return [each.dt for each in value.dts] if hasattr(value, "dts") else [value.dt]


def _has_zone(value: Any) -> bool:
    start = value[0] if isinstance(value, tuple) else value  # a period has a start and an end
    return not isinstance(start, datetime) or start.tzinfo is not None
