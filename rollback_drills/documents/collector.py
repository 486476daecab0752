"""Pauses the garbage collector of Python while many documents are read and judged."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collector() -> Iterator[None]:
    """Run no garbage collection until this ends.

    The collector starts whenever many objects were made, and looks at all of them for cycles. Documents and
    reports have none: the time would be lost, a tenth of the whole for 100,000 schedules.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
