"""Prints documents as JSON, and reports as tables for people."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import msgspec

from rollback_drills.documents.terminal_text import show_text
from rollback_drills.readiness.reports import HistoryReport, ScheduleReport
from rollback_drills.rendering.times import write_times
from rollback_drills_cli.terminal.streams import discard_output, write_bytes, write_error, write_parts

if TYPE_CHECKING:
    from click import ClickException
    from rich.console import Console

_WIDTH_IN_FILES = 140
_LEAST_WIDTH = 40
"""On less, a table has room for its lines alone. A terminal without a size says that it has no columns."""
_WIDTH_INSTEAD = 80
_ID = re.compile(r"gord[a-z]+-[0-9a-f]{16}")
"""An id that people copy into the next command: it is not broken as long as there is room for it."""
STATE_STYLES = {
    "ready": "green",
    "pass": "green",
    "deliver": "bold",
    "due_soon": "yellow",
    "warn": "yellow",
    "needs_attention": "red",
    "not_requested": "dim",
    "suppress": "dim",
}


def print_json(document: Any) -> None:
    """Print a document as indented JSON."""
    write_bytes(format_json(document))


def format_json(document: Any) -> bytes:
    """Write a document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def print_items(document: object, items: Iterable[Any]) -> None:
    """Print a document as `print_json` does; its empty `items` are replaced by these, one at a time."""
    write_parts(_write_items(format_json(document), items))


def _write_items(document: bytes, items: Iterable[Any]) -> Iterator[bytes]:
    before, _, after = document.partition(b'"items": []')
    yield before + b'"items": ['
    separator = b"\n    "
    for item in items:
        yield separator + format_json(item).rstrip().replace(b"\n", b"\n    ")
        separator = b",\n    "
    yield (b"]" if separator == b"\n    " else b"\n  ]") + after


def console(*, stderr: bool = False) -> "Console":
    """Open the terminal for people; rich is imported only here, because JSON does not need it."""
    from rich.console import Console

    opened = Console(stderr=stderr, highlight=False)
    opened.on_broken_pipe = discard_output  # type: ignore[method-assign]  # and not exit code 1
    if not opened.is_terminal and "COLUMNS" not in os.environ:
        opened.width = _WIDTH_IN_FILES
    if opened.width < _LEAST_WIDTH:
        opened.width = _WIDTH_INSTEAD
    return opened


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, most: int = sys.maxsize
) -> None:
    """Print a table; words that name a state are coloured. Without rows nothing is printed.

    Args:
        title: What it is about.
        columns: Their names.
        rows: One text for each column.
        most: So many rows are printed, and the rest is counted.
    """
    shown = list(rows)
    if not shown:
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=escape(show_text(title)), title_justify="left", title_style="bold", header_style="dim"
    )
    for column, cells in zip(columns, zip(*shown, strict=True), strict=True):
        is_id = all(map(_ID.fullmatch, cells))
        table.add_column(column, overflow="fold", width=max(map(len, cells)) if is_id else None)
    for row in shown[:most]:
        table.add_row(*(_styled(escape(show_text(write_times(cell))), cell) for cell in row))
    console().print(table)
    print_left_out(len(shown) - most)


def print_left_out(count: int) -> None:
    """Print how many of a fleet a list leaves out, if any."""
    if count > 0:
        print_line(f"{count:,} more are not listed; --json has all.")


def print_line(text: str) -> None:
    """Print a line for people; nothing in it is taken for markup."""
    console().print(show_text(text), markup=False, soft_wrap=True)


def print_sentence(text: str) -> None:
    """Print a text for people with its times in UTC; a command to copy is printed as a line."""
    print_line(write_times(text))


def print_problem(text: str) -> None:
    """Print a line about a problem where errors go. It may quote what was typed: secrets are taken out."""
    write_error(f"drills: {show_text(_redact(text))}\n")


def print_click_error(error: "ClickException") -> None:
    """Print an error of click as click does, without secrets."""
    shown = StringIO()
    error.show(shown)
    write_error(_redact(shown.getvalue()))


def _redact(text: str) -> str:
    from rollback_drills.redaction.redactor import redactor_in_use  # milliseconds that only an error takes

    return redactor_in_use().text(text)


def _styled(cell: str, word: str) -> str:
    style = STATE_STYLES.get(word.replace(" ", "_"))
    return f"[{style}]{cell}[/{style}]" if style else cell


def print_checks(title: str, report: HistoryReport | ScheduleReport) -> None:
    """Print the checks of a report, the numbers behind them, and what to do."""
    rows = [(each.id.removeprefix("go_rollback_drill_"), each.status, each.message) for each in report.checks]
    print_table(f"{title}: {report.status.replace('_', ' ')}", ("check", "status", "message"), rows)
    print_line(report.history.describe_latest())
    for note in report.operator_notes:
        print_sentence(note)
