"""What the walls of all time zones show, minute by minute, and days that recur: by `zoneinfo` alone."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
MINUTES_OF_DAY: Final = 24 * 60
_SCANNED: Final = timedelta(hours=60)
_FIRST, _LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def number_of(local: datetime) -> int:
    """Number a minute on a wall."""
    return local.toordinal() * MINUTES_OF_DAY + local.hour * 60 + local.minute


@dataclass(frozen=True)
class Wall:
    """The wall of a zone around a moment: when it shows each minute first."""

    zone: str
    first: datetime
    last: datetime
    begin: int
    """The first minute that it shows."""
    places: "array[int]" = field(repr=False)
    """By the minutes from there on: so many minutes after the first time it is shown."""

    def days(self) -> Iterator[date]:
        """Yield the days that the wall shows, and those that it skips."""
        end = self.begin + len(self.places) - 1
        for day in range(self.begin // MINUTES_OF_DAY, end // MINUTES_OF_DAY + 1):
            yield date.fromordinal(day)

    def find(self, day: date, minute: int) -> datetime | None:
        """Return when a minute of a day is shown first; one that is skipped as if it had not been.

        None if that is before or after what is known.
        """
        place = day.toordinal() * MINUTES_OF_DAY + minute - self.begin
        return self.first + self.places[place] * MINUTE if 0 <= place < len(self.places) else None


@cache
def wall_of(zone: str, moment: datetime) -> Wall:
    """Scan the wall of a zone around a moment, minute by minute."""
    info, first = ZoneInfo(zone), moment - _SCANNED
    minutes = range(2 * _SCANNED // MINUTE)
    shown = [number_of((first + each * MINUTE).astimezone(info)) for each in minutes]
    places = array("i", [-1]) * (max(shown) - shown[0] + 1)
    for place, each in enumerate(shown):
        if places[each - shown[0]] < 0:
            places[each - shown[0]] = place
    for minute in range(1, len(places)):
        if places[minute] < 0:  # skipped: as long after the minute before as if it had not been
            places[minute] = places[minute - 1] + 1
    return Wall(zone, first, first + minutes[-1] * MINUTE, shown[0], places)


def _changes_of(zone: str) -> tuple[tuple[datetime, timedelta | None], ...]:
    """Find the minutes from 2026 to 2028 from which the clocks of a zone are set otherwise, and how."""
    info, found, day = ZoneInfo(zone), [], _FIRST
    while day < _LAST:
        before, after = (each.astimezone(info).utcoffset() for each in (day, day + DAY))
        if before != after:
            minutes = (day + each * MINUTE for each in range(1, MINUTES_OF_DAY + 1))
            change = next(each for each in minutes if each.astimezone(info).utcoffset() != before)
            found.append((change, after))
        day += DAY
    return tuple(found)


@cache
def _find_zones() -> dict[tuple[tuple[datetime, timedelta | None], ...], str]:
    """Return every way in which zones change their clocks from 2026 to 2028, with a zone that does."""
    found = {_changes_of(zone): zone for zone in sorted(available_timezones())}
    del found[()]
    return found


@cache
def list_moments() -> list[tuple[str, datetime]]:
    """Return every zone and time at which clocks change, and further ones."""
    changes = [(zone, change) for changes, zone in _find_zones().items() for change, _ in changes]
    further = [
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # the day that was left out
        ("Asia/Kolkata", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("UTC", datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2027, 12, 31, 12, tzinfo=UTC)),
    ]
    return changes + further


@cache
def list_month_starts() -> list[tuple[str, datetime]]:
    """Return every zone that changes its clocks, with every beginning of a month."""
    months = [datetime(year, month, 1, tzinfo=UTC) for year in (2026, 2027, 2028) for month in range(1, 13)]
    return [(zone, month) for zone in _find_zones().values() for month in months]


@dataclass(frozen=True)
class Days:
    """Days that recur, as a rule of RFC 5545 and as a question about each day."""

    start: date
    frequency: str
    interval: int
    weekdays: frozenset[int] = frozenset()
    number: int = 0
    """Of the day in its month, or with weekdays of those; from its end if negative."""
    month: int = 0

    @property
    def rule(self) -> str:
        """The rule."""
        parts = [f"FREQ={self.frequency}", f"INTERVAL={self.interval}"]
        if self.month:
            parts.append(f"BYMONTH={self.month}")
        if self.weekdays:
            number = self.number or ""
            parts.append("BYDAY=" + ",".join(f"{number}{WEEKDAYS[each]}" for each in sorted(self.weekdays)))
        elif self.number:
            parts.append(f"BYMONTHDAY={self.number}")
        return ";".join(parts)

    def __contains__(self, day: date) -> bool:
        """Whether it is one of the days."""
        return day >= self.start and self._count(day) % self.interval == 0 and self._fits(day)

    def _count(self, day: date) -> int:
        """Count the days, weeks, months or years since the start."""
        match self.frequency:
            case "DAILY":
                return (day - self.start).days
            case "WEEKLY":
                return (day.toordinal() - 1) // 7 - (self.start.toordinal() - 1) // 7
            case "MONTHLY":
                return (day.year - self.start.year) * 12 + day.month - self.start.month
        return day.year - self.start.year

    def _fits(self, day: date) -> bool:
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        if self.month and day.month != self.month:
            return False
        if not self.number:
            return True
        length = (day.replace(day=28) + 4 * DAY).replace(day=1).toordinal() - day.replace(day=1).toordinal()
        from_start, from_end = day.day, day.day - length - 1
        if self.weekdays:
            from_start, from_end = (from_start + 6) // 7, -((-from_end + 6) // 7)
        return self.number in (from_start, from_end)


def days_from(start: date, kind: int, interval: int, weekdays: int, number: int) -> Days:
    """Return days that recur.

    Args:
        start: From when on.
        kind: One of five: daily, weekly, by a day of the month, by a weekday of the month, yearly.
        interval: From 1 to 9.
        weekdays: A set of them, as bits.
        number: From 1 to 31.
    """
    some = frozenset(each for each in range(7) if weekdays & 1 << each)
    last = -min(number, 5)
    match kind:
        case 0:
            return Days(start, "DAILY", interval)
        case 1:
            return Days(start, "WEEKLY", min(interval, 3), some)
        case 2:
            return Days(start, "MONTHLY", min(interval, 3), number=number if weekdays & 1 else last)
        case 3:
            return Days(start, "MONTHLY", 1, some, number % 5 + 1 if interval % 2 else -(number % 2 + 1))
    return Days(start, "YEARLY", 1, number=min(number, 28) if weekdays & 1 else last, month=start.month)
