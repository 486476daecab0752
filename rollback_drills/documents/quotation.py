"""Quotes places and values of a document in messages: short, and masked where they must not be published."""

import json
from typing import Any, Final

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.odd_names import shows_something
from rollback_drills.documents.privacy.privacy_rules import find_private, may_hold_private
from rollback_drills.documents.terminal_text import show_text

_LONGEST_VALUE_SHOWN: Final = 60


def json_path(loc: Location) -> str:
    """Write a place in a document as a JSON path, `$.drills[0].executed_at`.

    Private keys are masked, and long ones shortened.
    """
    path = "$"
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif find_private(part):
            path += ".<a key that must not be shown>"
        else:
            path += f".{_shorten(part)}" if part.isidentifier() else f"[{_shorten(json.dumps(part))}]"
    return path


def state(value: Any) -> str:
    """Return what a key has: `is missing`, also for an empty text or list, or `is 3`."""
    return "is missing" if value in (None, "", [], ()) else f"is {show(value)}"


def is_written(*texts: str) -> bool:
    """Return whether there is at least one text, and people see something of each of them."""
    return bool(texts) and all(map(shows_something, texts))


def show(value: Any) -> str:
    """Write a value into a message: as JSON, shortened, and masked where it must not be published."""
    text = json.dumps(value, ensure_ascii=False, default=str).encode(errors="backslashreplace").decode()
    # the text is JSON already: `find_private` would write it as JSON again, and suspect its quotes
    if may_hold_private(text.encode()) and find_private(text):
        return "a value that must not be shown"
    text = show_text(text)
    return _shorten(text)


def quote(text: str) -> str:
    """Write a text into a message as `show` does, but in single quotes."""
    return show(text).replace('"', "'")


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE_SHOWN else text[: _LONGEST_VALUE_SHOWN - 1] + "…"
