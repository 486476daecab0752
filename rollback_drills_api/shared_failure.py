"""Lets one thread at a time try what may take long to fail, and all that waited meanwhile fail with it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class SharedFailure:
    """A lock for an attempt. Whoever waits while it fails does not try once more: it fails the same way.

    Otherwise a database that does not answer would keep each caller for as long as all before it together.
    """

    def __init__(self) -> None:
        """Begin before the first attempt."""
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._failed_at = float("-inf")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Make an attempt within the block, or raise the error of one that was under way."""
        asked_at = time.monotonic()
        with self._lock:
            if self._error is not None and self._failed_at >= asked_at:
                raise self._error
            try:
                yield
            except Exception as error:
                self._error, self._failed_at = error, time.monotonic()
                raise
            self._error = None
