"""Recurrence rules of RFC 5545: when something happens again, by the clock on the wall of a time zone.

Only rules of days or rarer.
"""

from calendar import isleap
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import count, islice
from typing import TYPE_CHECKING, Final

import msgspec

from rollback_drills.documents.calendars.rule_parts import (
    MOST_OCCURRENCES,
    check_parts,
    read_parts,
    read_until,
)
from rollback_drills.documents.calendars.wall_time import LocalTime, read_local
from rollback_drills.documents.quotation import quote

if TYPE_CHECKING:
    from dateutil.rrule import rrule

SEARCHED_YEARS: Final = 10
SEARCHED: Final = timedelta(days=SEARCHED_YEARS * 366)
_LAST_SEARCHED: Final = 9999 - SEARCHED_YEARS - 1


class Recurrence(msgspec.Struct, frozen=True, gc=False):
    """A rule, the local time with which it begins, and its zone. The parts are not checked yet."""

    rule: str
    start: LocalTime
    time_zone: str

    @property
    def ends(self) -> bool:
        """Whether there is a last occurrence."""
        parts = read_parts(self.rule)
        return "COUNT" in parts or "UNTIL" in parts

    def check(self) -> None:
        """Ensure that the rule can be followed and occurs.

        Raises:
            ValueError: It cannot, or does not; the message says which part is wrong and what to write.
        """
        parts = read_parts(self.rule)
        check_parts(parts)
        try:
            rule = self._parse(parts)
        except ValueError as error:
            raise ValueError(f"rrule {quote(self.rule)} cannot be followed: {error}") from None
        if not _occurs(rule, read_local(self.start)):
            raise ValueError(
                f"rrule {quote(self.rule)} does not occur within {SEARCHED_YEARS} years after its start;"
                " fix the rule, or let it start at another time"
            )
        if "UNTIL" in parts and next(iter(rule), None) is None:
            raise ValueError(f"rrule {quote(self.rule)} does not occur before its UNTIL; let it end later")

    def local_occurrences(self) -> Iterator[datetime]:
        """Yield the local times, without a zone, in their order.

        Raises:
            OverflowError: There are more of them than are looked at.
        """
        found = iter(self._parse(read_parts(self.rule)))
        yield from islice(found, MOST_OCCURRENCES)
        if next(found, None) is not None:
            raise OverflowError(f"the rule has had {MOST_OCCURRENCES:,} occurrences; let it start later")

    def _parse(self, parts: Mapping[str, str]) -> "rrule":
        until = read_until(parts.get("UNTIL", ""), self.time_zone)
        start = read_local(self.start)
        if until and until - start > timedelta(days=MOST_OCCURRENCES):
            raise ValueError(f"UNTIL is more than {MOST_OCCURRENCES:,} days after the start")
        rule = _follow({name: value for name, value in parts.items() if name != "UNTIL"}, start)
        return rule.replace(until=until) if until else rule


def _follow(parts: Mapping[str, str], start: datetime) -> "rrule":
    from dateutil.rrule import rrule, rrulestr  # a tenth of a start, and few documents have a rule

    rule = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=start)
    assert isinstance(rule, rrule)  # noqa: S101 - one rule without dates is no set
    return rule


def _occurs(rule: "rrule", start: datetime) -> bool:
    """Whether a rule occurs within the years that are searched.

    The library searches on to the year 9999. With a start close to that year it ends soon.
    """
    late = start.replace(year=_find_late_year(start.year))
    first = next(iter(rule.replace(dtstart=late, until=late + SEARCHED, count=None)), None)
    return first is not None


def _find_late_year(year: int) -> int:
    """Return the last year from which the calendar runs as it does from this year on.

    The calendar of the years that are searched comes back every 28 years, or every 400 if a century ends
    among them.
    """
    shapes = _list_shapes(year)
    return next(late for late in count(_LAST_SEARCHED, -1) if _list_shapes(late) == shapes)


def _list_shapes(year: int) -> list[tuple[int, bool]]:
    """Return, from the year before on, the weekday with which each begins and whether it is a leap year."""
    years = (2000 + (year + step) % 400 for step in range(-1, SEARCHED_YEARS + 2))
    return [(date(each, 1, 1).weekday(), isleap(each)) for each in years]
