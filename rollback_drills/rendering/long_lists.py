"""Shortens what nobody reads to its end: names in a sentence, lines, and the rows of a table."""

from collections.abc import Sequence
from typing import Final

MOST_ROWS: Final = 200
"""So many rows of a fleet are shown to people; the rest is counted."""


def name_some(names: Sequence[str], most: int, joint: str = ", ") -> str:
    """Join names, and count those after the first ones: `a, b and 17 more`."""
    shown, left = joint.join(names[:most]), len(names) - most
    return f"{shown} and {left:,} more" if left > 0 else shown


def list_some(lines: Sequence[str]) -> list[str]:
    """Return lines, and how many there are after the first `MOST_ROWS`."""
    left = len(lines) - MOST_ROWS
    return [*lines[:MOST_ROWS], *([f"{left:,} more are not shown."] if left > 0 else [])]
