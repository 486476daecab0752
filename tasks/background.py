"""Asks the Prefect server for something while a run goes on with its work."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_AT_ONCE: Final = 4
_thread: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aside")


def aside(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begin something, one after another; it sees the run that begins it, and shares its client."""
    context = copy_context()
    return _thread.submit(lambda: context.run(ask, *args, **kwargs))


def ask_each(ask: Callable[[T], object], items: Iterable[T]) -> int:
    """Ask once for each item, several at a time; wait for all, and return how many there were.

    The server works on one request while others are written and read, and while later items are made. The
    first error is raised.
    """
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="ask") as threads:
        asked = [threads.submit(copy_context().run, ask, item) for item in items]
        for each in asked:
            each.result()
    return len(asked)
