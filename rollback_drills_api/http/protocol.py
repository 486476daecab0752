"""HTTP/1.1 with deadlines: who opens connections and says nothing keeps them for seconds, not for ever."""

import asyncio
import resource
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN_SECONDS: Final = 15.0
"""From the first byte, or the start of the connection, until the headers of a request are there."""
_MOST_CONNECTIONS: Final = 1000
_SPARE_DESCRIPTORS: Final = 64
"""For files, databases and the Prefect server."""


def most_connections() -> int:
    """Return how many connections this process can hold without running out of file descriptors."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(_MOST_CONNECTIONS, soft - _SPARE_DESCRIPTORS))


class BoundedProtocol(H11Protocol):
    """Closes a connection beyond the most that there may be, and one whose headers do not come in time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without a deadline."""
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Take a connection, if there is room for it."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
        else:
            self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Read what came, and see whether the next headers are due."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect_headers()
        else:
            self._stop_waiting()

    def _should_upgrade(self) -> bool:
        # Such a request counts as one without the header (RFC 9110, 7.8). uvicorn would hand the connection
        # over to a protocol of WebSockets, which has none of these limits.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End with the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_WITHIN_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()
