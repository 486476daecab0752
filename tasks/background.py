"""Asks the Prefect server for something while a run goes on with its work."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_thread: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aside")


def aside(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begin something, one after another; it sees the run that begins it, and shares its client."""
    context = copy_context()
    return _thread.submit(lambda: context.run(ask, *args, **kwargs))
