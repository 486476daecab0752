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


def short_table(header: Sequence[str], rows: Sequence[Sequence[str]], most: int, whole: str) -> Iterator[str]:
    """Write the lines of a table, and below it how many rows follow the first ones.

    Args:
        header: The names of the columns.
        rows: All rows.
        most: So many are shown.
        whole: What has all of them, as the end of the sentence: `… lists all of them`.
    """
    yield from table(header, rows[:most])
    yield from _count_rest(len(rows) - most, whole)


def short_list(texts: Sequence[str], most: int, whole: str) -> Iterator[str]:
    """Write a list of texts as `short_table` writes rows."""
    yield from (f"- {cell(each)}" for each in texts[:most])
    yield from _count_rest(len(texts) - most, whole)


def _count_rest(count: int, whole: str) -> Iterator[str]:
    if count > 0:
        yield from ("", f"{count:,} more; {whole}.")


def cell(text: str) -> str:
    """Write a text with its times for people, and escape what Markdown or HTML would take for its own."""
    escaped = html.escape(" ".join(write_times(text).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", escaped)
