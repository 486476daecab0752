"""Recurrence rules of RFC 5545: when something happens again, by the clock on the wall of a time zone.

Only rules of days or rarer. Local times that do not exist are read with the offset before the gap, and those
that exist twice mean the first (RFC 5545, 3.3.5).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from rollback_drills.documents.quotation import show
from rollback_drills.documents.similar_names import find_similar
from rollback_drills.documents.spans import Span

if TYPE_CHECKING:
    from dateutil.rrule import rrule

MOST_OCCURRENCES: Final = 10_000
"""How many occurrences of a rule are looked at, and for how many days after its start it may end."""
SEARCHED_YEARS: Final = 10
_SEARCHED: Final = timedelta(days=SEARCHED_YEARS * 366)
_CALENDAR: Final = 400
"""After so many years every day has its weekday again."""
_DAY_FILTERS: Final = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY")
_MOST_TIMES_OF_DAY: Final = 24
_LONGEST_RULE: Final = 500

LocalTime: TypeAlias = str
"""A time by the clock on the wall, such as 2026-01-06T10:00; a day alone means its first moment."""

_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "INTERVAL": (1, 36_525),
    "COUNT": (1, MOST_OCCURRENCES),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
    "BYMONTH": (1, 12),
}
_SIGNED_RANGES: Final[Mapping[str, int]] = {
    "BYMONTHDAY": 31,
    "BYYEARDAY": 366,
    "BYWEEKNO": 53,
    "BYSETPOS": 366,
}
_SINGLE: Final = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST")
_PARTS: Final = ("FREQ", "UNTIL", "BYDAY", "WKST", *_RANGES, *_SIGNED_RANGES)
_LOCAL_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?", re.ASCII)
_BY_DAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,5}", re.ASCII)
_UNTIL: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)
_ONLY_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "BYWEEKNO": ("YEARLY",),
    "BYYEARDAY": ("YEARLY",),
    "BYMONTHDAY": ("DAILY", "MONTHLY", "YEARLY"),
}
"""With which frequencies RFC 5545, 3.3.10, allows a part."""


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
        _check_parts(parts)
        try:
            rule = self._parse(parts)
        except ValueError as error:
            raise ValueError(f"rrule {self.rule!r} cannot be followed: {error}") from None
        if not _occurs(rule, parts, read_local(self.start)):
            raise ValueError(
                f"rrule {self.rule!r} does not occur within {SEARCHED_YEARS} years after its start"
            )
        if "UNTIL" in parts and next(iter(rule), None) is None:
            raise ValueError(f"rrule {self.rule!r} does not occur before its UNTIL; let it end later")

    def occurrences(self) -> Iterator[datetime]:
        """Yield the instants in UTC, in their order.

        Raises:
            OverflowError: There are more of them than are looked at, or one leaves the year 9999.
        """
        for local in self.local_occurrences():
            yield to_instant(local, self.time_zone)

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
        until = _read_until(parts.get("UNTIL", ""), self.time_zone)
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


def _occurs(rule: "rrule", parts: Mapping[str, str], start: datetime) -> bool:
    """Whether a rule occurs within the years that are searched.

    The library searches on to the year 9999, and the calendar repeats itself every 400 years: with a start
    close to that year it ends soon. Days that never come are found by a rule of years, which takes one step
    for each.
    """
    late = start.replace(year=start.year + (9999 - SEARCHED_YEARS - start.year) // _CALENDAR * _CALENDAR)
    filters = {name: value for name, value in parts.items() if name in _DAY_FILTERS}
    if "BYDAY" in filters and parts["BYDAY"].strip("ADEFHMORSTUW,"):
        del filters["BYDAY"]  # its numbers count within months
    if filters and next(iter(_follow({"FREQ": "YEARLY", **filters}, late)), None) is None:
        return False
    first = next(iter(rule.replace(dtstart=late, until=late + _SEARCHED, count=None)), None)
    return first is not None


def read_local(text: LocalTime) -> datetime:
    """Read a local time.

    Raises:
        ValueError: It is none, or there is no such day or time.
    """
    if not _LOCAL_TIME.fullmatch(text):
        raise ValueError(
            f"{show(text)} is no local time; write one such as 2026-01-06T10:00, without an offset"
        )
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} does not exist; write a time such as 2026-01-06T10:00") from None


def to_instant(local: datetime, time_zone: str) -> datetime:
    """Return the instant in UTC of a time on the wall.

    Raises:
        OverflowError: In UTC it leaves the years 1 to 9999.
    """
    return local.replace(tzinfo=ZoneInfo(time_zone), fold=0).astimezone(UTC)


def to_span(start: datetime, end: datetime, time_zone: str) -> Span:
    """Return what lies between two times on the wall; nothing if the clocks skip it.

    Raises:
        OverflowError: In UTC one leaves the years 1 to 9999.
    """
    return Span(to_instant(start, time_zone), to_instant(end, time_zone))


def read_parts(rule: str) -> dict[str, str]:
    """Return the parts of a rule by their names, which may be written in any case.

    Raises:
        ValueError: It is no list of NAME=VALUE, or names a part twice, or one that there is not.
    """
    if len(rule) > _LONGEST_RULE:
        raise ValueError(f"rrule is longer than {_LONGEST_RULE} characters")
    parts: dict[str, str] = {}
    for each in rule.upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            raise ValueError(f"rrule {rule!r} is no rule; write one such as FREQ=MONTHLY;BYDAY=1TU")
        if name not in _PARTS:
            similar = find_similar(name, _PARTS)
            meant = f"; did you mean {similar}?" if similar else f"; the parts are {', '.join(_PARTS)}"
            raise ValueError(f"rrule has the unknown part {name}{meant}")
        if name in parts:
            raise ValueError(f"rrule has the part {name} twice; keep one of them")
        parts[name] = value
    return parts


def _check_parts(parts: Mapping[str, str]) -> None:
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise ValueError(
            f"rrule has the FREQ {frequency or 'of nothing'}; must be one of {', '.join(_FREQUENCIES)}"
        )
    for name, value in parts.items():
        for text in [value] if name in _SINGLE else value.split(","):
            if not _is_usable(name, text):
                raise ValueError(f"rrule has the {name} {text or 'of nothing'}; {_explain(name)}")
        if frequency not in _ONLY_WITH.get(name, _FREQUENCIES):
            raise ValueError(f"rrule has {name}, which does not go with FREQ={frequency} (RFC 5545)")
    has_numbers = any(character.isdigit() for character in parts.get("BYDAY", ""))
    if has_numbers and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        raise ValueError(f"rrule has the BYDAY {parts['BYDAY']}; numbers go with months and years only")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("rrule has COUNT and UNTIL; keep one of them")
    if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts.keys() - {"BYSETPOS"}):
        raise ValueError("rrule has BYSETPOS, which needs another BY… to choose from")
    times = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= len(parts.get(name, "0").split(","))
    if times > _MOST_TIMES_OF_DAY:
        raise ValueError(f"rrule occurs {times:,} times a day; at most {_MOST_TIMES_OF_DAY}")


def _is_usable(name: str, text: str) -> bool:
    if name == "FREQ":
        return True
    if name == "UNTIL":
        return _UNTIL.fullmatch(text) is not None
    if name == "WKST":
        return text in _DAYS
    if name == "BYDAY":
        found = _BY_DAY.fullmatch(text)
        return found is not None and (found[1] is None or 1 <= abs(int(found[1])) <= 53)
    if not _NUMBER.fullmatch(text):
        return False
    if name in _SIGNED_RANGES:
        return 1 <= abs(int(text)) <= _SIGNED_RANGES[name]
    least, most = _RANGES[name]
    return least <= int(text) <= most


def _explain(name: str) -> str:
    if name == "UNTIL":
        return "write it as 20261231, 20261231T180000 or 20261231T170000Z"
    if name in ("WKST", "BYDAY"):
        return f"must be days such as {', '.join(_DAYS)}"
    if name in _SIGNED_RANGES:
        return f"must be from 1 to {_SIGNED_RANGES[name]}, or from -1 to -{_SIGNED_RANGES[name]}"
    least, most = _RANGES[name]
    return f"must be a number from {least} to {most:,}"


def _read_until(text: str, time_zone: str) -> datetime | None:
    """Return the last local time; of a day alone its end, since the day is meant.

    Raises:
        ValueError: There is no such day or time.
    """
    found = _UNTIL.fullmatch(text)
    if found is None:
        return None
    day, time, is_utc = found.groups()
    try:
        if time is None:
            return datetime.fromisoformat(f"{day}T235959")
        until = datetime.fromisoformat(f"{day}T{time}")
        if not is_utc:
            return until
        return until.replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ValueError(f"UNTIL={text} does not exist") from None
