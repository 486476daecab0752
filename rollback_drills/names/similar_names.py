"""Suggests the name that was probably meant."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from rollback_drills.names.keys import name_key

_SIMILAR: Final = 0.6
_SIMILAR_KEY: Final = 0.63
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def find_similar(name: str, known: Iterable[str], *, similar: float = _SIMILAR) -> str:
    """Return the known name that is most like this one, whatever its case; empty if none is like it.

    Args:
        name: As it was written.
        known: The names that exist.
        similar: How much they must have in common, from 0 to 1.
    """
    by_key = {name_key(each): each for each in known}
    near = get_close_matches(name_key(name), by_key, n=1, cutoff=similar)
    return by_key[near[0]] if near else ""


def find_digits(name: str) -> list[str]:
    """Return the digits of a name; where they differ, as in `team-1` and `team-2`, both are meant."""
    return [each for each in name if each.isdigit()]


def find_similar_key(key: str, known: Iterable[str]) -> str:
    """Return the key of a document that was probably meant: one with the same words, or one that is like it.

    Args:
        key: As it was written: `owner`, `dueAt`, `due-at`.
        known: The keys that exist, with `_` between words.
    """
    names = sorted(known)
    written = _CAPITAL.sub("_", key).replace("-", "_").lower()
    words = _split(written)
    longer = [each for each in names if words <= _split(each)]
    shorter = [each for each in names if _split(each) <= words]
    return (
        find_similar(written, longer, similar=0)
        or find_similar(written, names, similar=_SIMILAR_KEY)
        or find_similar(written, shorter, similar=0)
    )


def _split(key: str) -> set[str]:
    """Return the words of a key, whether there is one of each or several."""
    return {each.removesuffix("s") for each in key.split("_")}
