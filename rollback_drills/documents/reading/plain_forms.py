"""Rewrites what was parsed in the one form that the models read: timestamps, and keys without a value."""

from math import isfinite
from typing import Any, Final, NamedTuple

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.mistake import Mistake
from rollback_drills.documents.utc import ZERO_TIME

HALF_PAIR: Final = "holds half of a surrogate pair, which is no character; fix it"
_ABSENT: Final = object()
_TIMES: Final = ("until",)
"""Keys of timestamps whose names do not end with `_at`, as those of all others do."""


class Rewritten(NamedTuple):
    """A document in the form that the models read, and what was found in it besides its values."""

    raw: Any
    mistakes: list[Mistake]
    without_offset: list[Location]
    """The timestamps without an offset."""
    absent: list[Location]
    """Keys whose value says that there is none."""
    no_timestamps: list[tuple[Location, str]]
    """Texts that should be timestamps by the names of their keys."""


def rewrite(parsed: Any) -> Rewritten:
    """Rewrite every timestamp in one form, and leave out keys with null or with the zero time of Go."""
    found = Rewritten(None, [], [], [], [])
    return found._replace(raw=_rewrite(parsed, (), found))


def _rewrite(value: Any, loc: Location, found: Rewritten) -> Any:
    if isinstance(value, dict):
        found.mistakes.extend(Mistake((*loc, key), HALF_PAIR) for key in value if not _is_unicode(key))
        members = {key: _rewrite_member(each, (*loc, key), found) for key, each in value.items()}
        return {key: each for key, each in members.items() if each is not _ABSENT}
    if isinstance(value, list):
        return [_rewrite(each, (*loc, index), found) for index, each in enumerate(value)]
    if isinstance(value, float | int) and not _is_finite(value):
        found.mistakes.append(Mistake(loc, f"is {show(value)}; must be a finite number"))
    if isinstance(value, str) and not _is_unicode(value):
        found.mistakes.append(Mistake(loc, HALF_PAIR))
    return value


def _rewrite_member(value: Any, loc: Location, found: Rewritten) -> Any:
    if isinstance(value, str) and (loc[-1] in _TIMES or str(loc[-1]).endswith("_at")):
        value = _rewrite_timestamp(value, loc, found)
    if value is None or value is _ABSENT:
        found.absent.append(loc)
        return _ABSENT
    return _rewrite(value, loc, found)


def _rewrite_timestamp(value: str, loc: Location, found: Rewritten) -> Any:
    try:
        instant, has_offset = read_instant(value)
    except ValueError:
        found.no_timestamps.append((loc, value))
        return value
    if instant == ZERO_TIME:
        return _ABSENT
    if not has_offset:
        found.without_offset.append(loc)
    return instant.isoformat()


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _is_finite(number: float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:  # a whole number that no float can hold
        return False
