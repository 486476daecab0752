"""The parts of a recurrence rule of RFC 5545: which there are, and what they may be."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from rollback_drills.documents.quotation import quote
from rollback_drills.names.similar_names import find_similar

MOST_OCCURRENCES: Final = 10_000
"""How many occurrences of a rule are looked at, and for how many days after its start it may end."""
DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
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
_BY_DAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,5}", re.ASCII)
_UNTIL: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)
_MOST_TIMES_OF_DAY: Final = 24
_LONGEST_RULE: Final = 500
_MOST_OF_A_MONTH: Final = 5
_LETTERS: Final = "".join(DAYS)
_ONLY_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "BYWEEKNO": ("YEARLY",),
    "BYYEARDAY": ("YEARLY",),
    "BYMONTHDAY": ("DAILY", "MONTHLY", "YEARLY"),
}
"""With which frequencies RFC 5545, 3.3.10, allows a part."""


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
            raise ValueError(f"rrule {quote(rule)} is no rule; write one such as FREQ=MONTHLY;BYDAY=1TU")
        if name not in _PARTS:
            similar = find_similar(name, _PARTS)
            meant = f"; did you mean {similar}?" if similar else f"; the parts are {', '.join(_PARTS)}"
            raise ValueError(f"rrule has the unknown part {quote(name)}{meant}")
        if name in parts:
            raise ValueError(f"rrule has the part {name} twice; keep one of them")
        parts[name] = value
    return parts


def check_parts(parts: Mapping[str, str]) -> None:
    """Ensure that a rule of these parts can be followed.

    Raises:
        ValueError: It cannot; the message says which part is wrong and what to write.
    """
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
    _check_numbers_of_days(parts)
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("rrule has COUNT and UNTIL; keep one of them")
    if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts.keys() - {"BYSETPOS"}):
        raise ValueError("rrule has BYSETPOS, which needs another BY… to choose from")
    times = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= len(parts.get(name, "0").split(","))
    if times > _MOST_TIMES_OF_DAY:
        raise ValueError(f"rrule occurs {times:,} times a day; at most {_MOST_TIMES_OF_DAY}")
    if "BYSETPOS" in parts and frequency == "DAILY" and times < _least(parts["BYSETPOS"].split(",")):
        raise ValueError(f"rrule has the BYSETPOS {parts['BYSETPOS']}; a day has {times} to choose from")


def _check_numbers_of_days(parts: Mapping[str, str]) -> None:
    """Ensure that numbers of weekdays, such as in 2MO, are those of a month or a year."""
    numbers = [each.rstrip(_LETTERS) for each in parts.get("BYDAY", "").split(",")]
    if not any(numbers):
        return
    if parts["FREQ"] not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts:
        raise ValueError(f"rrule has the BYDAY {parts['BYDAY']}; numbers go with months and years only")
    if any(abs(int(each or 0)) > _MOST_OF_A_MONTH for each in numbers) and (
        parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts
    ):
        raise ValueError(
            f"rrule has the BYDAY {parts['BYDAY']}; a month has each weekday at most {_MOST_OF_A_MONTH} times"
        )


def _least(numbers: Iterable[str]) -> int:
    return min(abs(int(each)) for each in numbers)


def read_until(text: str, time_zone: str) -> datetime | None:
    """Return the last local time of a rule; of a day alone its end, since the day is meant; None without one.

    Raises:
        ValueError: There is no such day or time.
    """
    found = _UNTIL.fullmatch(text)
    if found is None:
        return None
    from zoneinfo import ZoneInfo  # as in `wall_time`

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


def _is_usable(name: str, text: str) -> bool:
    if name == "FREQ":
        return True
    if name == "UNTIL":
        return _UNTIL.fullmatch(text) is not None
    if name == "WKST":
        return text in DAYS
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
        return f"must be days such as {', '.join(DAYS)}"
    if name in _SIGNED_RANGES:
        return f"must be from 1 to {_SIGNED_RANGES[name]}, or from -1 to -{_SIGNED_RANGES[name]}"
    least, most = _RANGES[name]
    return f"must be a number from {least} to {most:,}"
