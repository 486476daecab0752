"""Shows people what a command is doing: on standard error, and only where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, Timer
from time import monotonic
from typing import TYPE_CHECKING, Final

from rollback_drills.documents.terminal_text import show_text
from rollback_drills_cli.terminal.output import console

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

_PATIENCE_SECONDS: Final = 1.0


def show_progress(*columns: "str | ProgressColumn") -> "Progress":
    """Return a bar on standard error; where no person looks, not even the line break after it is written."""
    from rich.progress import Progress

    terminal = console(stderr=True)
    return Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)


@contextmanager
def show_count(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how many are done of something that takes longer than a second.

    Args:
        what: What is counted, such as `rows`.
        total: How many there are; None if that is not known.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    bars, began = ExitStack(), monotonic()
    update: Callable[[int], None] | None = None

    def show(done: int) -> None:
        nonlocal update
        if update is None and monotonic() - began >= _PATIENCE_SECONDS:
            update = _begin_bar(bars, what, total)
        if update is not None:
            update(done)

    with bars:
        yield show


def _begin_bar(bars: ExitStack, what: str, total: int | None) -> Callable[[int], None]:
    from rich.progress import MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

    of_many = TextColumn(what), MofNCompleteColumn()
    of_unknown = SpinnerColumn(), TextColumn(f"{{task.completed:,}} {what}")
    bar = bars.enter_context(show_progress(*(of_many if total else of_unknown), TimeElapsedColumn()))
    task = bar.add_task(what, total=total)
    return lambda done: bar.update(task, completed=done)


@contextmanager
def show_waiting(what: str) -> Iterator[None]:
    """Show what is being done if it takes longer than a second, until it is done."""
    if not sys.stderr.isatty():
        yield
        return
    shown, lock = ExitStack(), Lock()
    is_over = False

    def begin() -> None:
        with lock:
            if not is_over:
                from rich.markup import escape

                shown.enter_context(console(stderr=True).status(escape(show_text(what))))

    timer = Timer(_PATIENCE_SECONDS, begin)
    timer.daemon = True  # an interrupt does not wait for it
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            is_over = True
            shown.close()
