"""Reads JSON strictly: finds, with its place, what a reader would change or drop silently."""

import json
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, Final

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.errors import UsageError

_LARGEST_INTEGER: Final = 2**53 - 1
"""Up to which every reader of JSON has whole numbers exactly (RFC 8259, section 6)."""
_DEEPEST: Final = 50
"""How deep records are redacted; nobody nests one deeper."""


class _Unusable:
    """Stands in a parsed document for what cannot be used."""

    def __init__(self, problem: str) -> None:
        self.problem = problem


def parse_strictly(text: str) -> Any:
    """Parse JSON; `check_strictly` finds what in it cannot be used.

    Raises:
        JSONDecodeError: The text is no JSON.
        UsageError: The text is nested too deeply.
    """
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise UsageError("is nested too deeply to be an evidence index") from None


def check_strictly(value: Any, loc: Location) -> None:
    """Ensure that nothing in a value that was parsed strictly is unusable.

    Args:
        value: From `parse_strictly`.
        loc: Where it stands in the document.

    Raises:
        UsageError: Names the first place, what stands there, and what is wrong with it.
    """
    for place, problem in _problems(value, loc, 0):
        raise UsageError(f"{json_path(place)} {problem}")


def _problems(value: Any, loc: Location, depth: int) -> Iterator[tuple[Location, str]]:
    if isinstance(value, _Unusable):
        yield loc, value.problem
    elif isinstance(value, str):
        if not _is_unicode(value):
            yield loc, _HALF_PAIR
    elif depth > _DEEPEST:
        yield loc, f"is nested more than {_DEEPEST} deep; no record is"
    elif isinstance(value, dict):
        for key, each in value.items():
            if not _is_unicode(key):
                yield (*loc, key), _HALF_PAIR
            yield from _problems(each, (*loc, key), depth + 1)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _problems(each, (*loc, index), depth + 1)


_HALF_PAIR: Final = "holds half of a surrogate pair, which is no character; fix it"


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _read_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        seen = set()
        for key, _ in pairs:
            if key in seen:
                read[key] = _Unusable("stands there twice; leave one of them")
            seen.add(key)
    return read


def _read_integer(text: str) -> Any:
    if len(text) < 16 or (len(text) < 20 and abs(int(text)) <= _LARGEST_INTEGER):
        return int(text)
    return _Unusable(f"is {_shorten(text)}; JSON carries whole numbers up to {_LARGEST_INTEGER} without loss")


def _read_fraction(text: str) -> Any:
    number = float(text)
    return (
        number if isfinite(number) else _Unusable(f"is {_shorten(text)}; no reader of JSON has such a number")
    )


def _read_constant(text: str) -> Any:
    return _Unusable(f"is {text}, which is no JSON; must be a number")


def _shorten(text: str) -> str:
    return show(text).strip('"')


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_int=_read_integer,
    parse_float=_read_fraction,
    parse_constant=_read_constant,
)
