"""Markdown in which the texts of others stay texts."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from rollback_drills.rendering.times import write_times


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write the lines of a table."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(map(cell, row))} |"


def cell(text: str) -> str:
    """Write a text with its times for people, and escape what Markdown or HTML would take for its own."""
    escaped = html.escape(" ".join(write_times(text).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", escaped)
