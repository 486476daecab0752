"""A connection of psycopg that does not wait for ever for a server that went silent."""

from collections.abc import Generator
from time import monotonic
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """Closes itself when an answer does not come in time.

    Keepalives notice a network that drops packets. They do not notice a proxy that acknowledges them, and
    forwards nothing any more.
    """

    patience_seconds: float = 60.0
    """How long to wait for one answer."""

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Wait for an answer, but no longer than that."""
        return super().wait(self._bounded(gen), *args, **kwargs)

    def _bounded(self, answering: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Pass on what psycopg says, every tenth of a second: nothing, or that the socket is ready."""
        deadline = monotonic() + self.patience_seconds
        try:
            wanted = next(answering)
            while True:
                ready = yield wanted
                if not ready and monotonic() > deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(
                        f"the server did not answer within {self.patience_seconds:g} s; connection closed"
                    )
                wanted = answering.send(ready)
        except StopIteration as end:
            answer: T = end.value
            return answer
