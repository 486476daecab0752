"""Finds names in documents that nobody can read: line breaks, invisible characters, blanks alone."""

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from rollback_drills.documents.duplicate_keys import Location

_NAMES: Final = {
    "schedule_id": "schedule id",
    "window_id": "window",
    "id": "window",
    "owner": "owner",
    "escalation_owner": "owner",
    "manager": "owner",
    "drill_id": "drill id",
    "finding_id": "finding",
    "environment": "environment",
    "change_id": "change",
    "calendar": "calendar",
}
_LISTS: Final = {
    "owners": "owner",
    "providers": "provider",
    "notification_providers": "provider",
    "schedule_ids": "schedule id",
    "environments": "environment",
    "systems_tested": "system",
}
_BY_NAME: Final = {"owner_routes": "owner", "owner_calendars": "owner", "calendars": "calendar"}
_UNREADABLE: Final = {
    "Cc": "a control character",
    "Cf": "an invisible character",
    "Cs": "half of a surrogate pair",
    "Zl": "a line break",
    "Zp": "a line break",
}

_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs of which nothing is seen."""


def find_odd_names(value: Any) -> Iterator[tuple[Location, str]]:
    """Return the place of every name in parsed JSON that cannot be used, and what is wrong with it."""
    for loc, _, name in find_names(value):
        if what := explain_odd_name(name):
            yield loc, what


def find_names(value: Any, loc: Location = ()) -> Iterator[tuple[Location, str, str]]:
    """Return the place, the kind and the text of every name in parsed JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            where = (*loc, key)
            yield from _find_names_under(key, inner, where)
            yield from find_names(inner, where)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from find_names(inner, (*loc, index))


def _find_names_under(key: str, value: Any, loc: Location) -> Iterator[tuple[Location, str, str]]:
    if key in _NAMES and isinstance(value, str):
        yield loc, _NAMES[key], value
    elif key in _LISTS and isinstance(value, list | tuple):
        yield from (
            ((*loc, index), _LISTS[key], each) for index, each in enumerate(value) if isinstance(each, str)
        )
    elif key in _BY_NAME and isinstance(value, dict):
        yield from (((*loc, name), _BY_NAME[key], name) for name in value)


def explain_odd_name(name: str) -> str | None:
    """Return what is wrong with a name and what to do; None if it can be used. An empty one is absent."""
    if name and not name.strip():
        return "is blank; write a name, or leave it out"
    if name.isascii() and name.isprintable():
        return None
    for character in name.strip():  # blanks at its ends are no part of a name
        kind = _UNREADABLE.get(unicodedata.category(character))
        if kind is None and character in _FILLERS:
            kind = "an invisible character"
        if kind:
            return f"holds {kind} (U+{ord(character):04X}); a name is one line that people can read"
    return None


def shows_something(text: str) -> bool:
    """Return whether people see anything of a text."""
    if (first := text[:1]).isascii() and first.isalnum():
        return True
    return any(
        unicodedata.category(character)[0] not in "CZ" and character not in _FILLERS for character in text
    )
