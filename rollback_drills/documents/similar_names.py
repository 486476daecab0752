"""Suggests the name that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_SIMILAR: Final = 0.6


def find_similar(name: str, known: Iterable[str], *, similar: float = _SIMILAR) -> str:
    """Return the known name that is most like this one, whatever its case; empty if none is like it.

    Args:
        name: As it was written.
        known: The names that exist.
        similar: How much they must have in common, from 0 to 1.
    """
    by_folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=similar)
    return by_folded[near[0]] if near else ""
