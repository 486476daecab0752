"""HTTP/1.1 with deadlines: who says or reads nothing keeps a connection for seconds, not for ever."""

import asyncio
import resource
import socket
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEADERS_WITHIN_SECONDS: Final = 15.0
"""From the first byte, or the start of the connection, until the headers of a request are there."""
READING_WITHIN_SECONDS: Final = 30.0
"""Within this time a caller reads a part of an answer that waits to be read."""
_LEAST_READ: Final = 8 * 1024
"""That part, in bytes; or all of a smaller rest."""
_MOST_WAITING_TO_BE_SENT: Final = 64 * 1024
_MOST_CONNECTIONS: Final = 1000
_SPARE_DESCRIPTORS: Final = 64
"""For files, databases and the Prefect server."""


def most_connections() -> int:
    """Return how many connections this process can hold without running out of file descriptors."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(_MOST_CONNECTIONS, soft - _SPARE_DESCRIPTORS))


def prepare(listening: socket.socket) -> None:
    """Set what every connection takes over from the socket that listens; not every event loop could later."""
    # asyncio sets this only for sockets that it makes itself; without it answers wait 40 ms for an ACK
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # else the system takes megabytes of an answer, and says late that somebody reads them
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_WAITING_TO_BE_SENT)


class BoundedProtocol(H11Protocol):
    """Closes a connection beyond the most that there may be, and one whose caller is too slow.

    That is one whose headers do not come in time, or who does not read the answers.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without a deadline."""
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._unread: int | None = None
        """How much the caller had not read when this was looked at last; None if more was read since."""
        self._is_half_closed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Take a connection, if there is room for it."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
        else:
            self._expect_headers()
            self._watch_reading()

    def data_received(self, data: bytes) -> None:
        """Read what came, and see whether the next headers are due."""
        self._unread = None
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect_headers()
        else:
            self._stop_waiting()

    def resume_writing(self) -> None:
        """Write on, since the caller has read enough."""
        self._unread = None
        super().resume_writing()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's gives up the answer
        """Answer a caller who has said all, and only then close the connection.

        TLS has no half of a connection to close, and of half a request nothing more can come.
        """
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        self._is_half_closed = True
        is_answering = cycle is not None and not cycle.response_complete
        return is_answering and self.scheme != "https" and self.conn.their_state is not h11.SEND_BODY

    def on_response_complete(self) -> None:
        """Close the connection of a caller who can ask for nothing more."""
        super().on_response_complete()
        if self._is_half_closed and self.cycle.response_complete and not self.transport.is_closing():
            self.transport.close()

    def _should_upgrade(self) -> bool:
        # Such a request counts as one without the header (RFC 9110, 7.8). uvicorn would hand the connection
        # over to a protocol of WebSockets, which has none of these limits.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End with the connection."""
        self._stop_waiting()
        if self._watch is not None:
            self._watch.cancel()
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

    def _watch_reading(self) -> None:
        self._watch = self.loop.call_later(READING_WITHIN_SECONDS, self._check_reading)

    def _check_reading(self) -> None:
        """Drop a caller who has read next to nothing of what waits, to which nothing is added meanwhile."""
        unread = self.transport.get_write_buffer_size()
        if unread and self._unread is not None and unread > self._unread - _LEAST_READ:
            self.transport.abort()
            return
        self._unread = unread or None
        self._watch_reading()
