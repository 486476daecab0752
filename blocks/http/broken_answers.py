"""Keeps the status of an answer that cannot be read further: the server may have accepted the request."""

import functools
import re
import ssl
from asyncio import BaseTransport, CancelledError
from contextvars import ContextVar
from typing import Any, Final, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

_VERSION: Final = rb"\s*HTTP/\d+(?:\.\d+)?[ \t]+"
_STATUS_LINE: Final = re.compile(_VERSION + rb"([2-5]\d\d)\s", re.IGNORECASE)
_INTERIM_ANSWER: Final = re.compile(_VERSION + rb"1\d\d\s.*?\n\r?\n", re.DOTALL | re.IGNORECASE)
_MOST_KEPT: Final = 64 * 1024
# Vendors and their gateways send headers of many kilobytes. An accepted message must not count as lost.
_LONGEST_HEADER: Final = 128 * 1024
_LIMITS: Final = {
    "max_line_size": _LONGEST_HEADER,
    "max_field_size": _LONGEST_HEADER,
    "max_headers": 512,
}


status_so_far: Final[ContextVar[int]] = ContextVar("status_so_far", default=0)
"""The status of an answer of which headers were missing when the time was over; 0 if it had none yet."""


class UnreadableAnswerError(Exception):
    """A server sent a status, then unreadable headers: endless ones, or contradictory lengths."""

    def __init__(self, status: int) -> None:
        """Keep the status."""
        super().__init__(status)
        self.status = status


class StatusConnector(aiohttp.TCPConnector):
    """Opens connections that remember the status of the last answer."""

    def __init__(self, *, ssl: ssl.SSLContext) -> None:
        """Take the context that verifies every server."""
        super().__init__(ssl=ssl)
        # There is no public way to use another protocol.
        self._factory = functools.partial(_StatusHandler, loop=self._loop)  # type: ignore[assignment]  # a partial is invariant


class _StatusHandler(ResponseHandler):
    def connection_made(self, transport: BaseTransport) -> None:
        self._status_line = _StatusLine()
        super().connection_made(transport)

    def set_response_params(self, **parameters: Any) -> None:
        self._status_line = _StatusLine()
        super().set_response_params(**{**parameters, **_LIMITS})  # also for the answer of a proxy

    def data_received(self, data: bytes) -> None:
        self._status_line.read(data)
        super().data_received(data)

    @property
    def status_seen(self) -> int:
        return self._status_line.status


class _StatusLine:
    """Finds the status of an answer that arrives in pieces, behind any interim answers (1xx)."""

    def __init__(self) -> None:
        self.status = 0
        self._pending = b""

    def read(self, piece: bytes) -> None:
        if self.status or len(self._pending) > _MOST_KEPT:
            return
        pending, start = self._pending + piece, 0
        while interim := _INTERIM_ANSWER.match(pending, start):
            start = interim.end()
        self._pending = pending[start:]
        if found := _STATUS_LINE.match(self._pending):
            self.status = int(found[1])


class StatusResponse(aiohttp.ClientResponse):
    """An answer whose status is kept if nothing else of it can be read."""

    async def start(self, connection: Connection) -> Self:
        """Read the head of the answer."""
        handler = connection.protocol
        try:
            await super().start(connection)
        except (aiohttp.ClientError, ValueError) as error:
            status = _status_of(handler)
            if not status:
                raise
            raise UnreadableAnswerError(status) from error
        except CancelledError:
            status_so_far.set(_status_of(handler))
            raise
        return self


def _status_of(handler: ResponseHandler | None) -> int:
    return handler.status_seen if isinstance(handler, _StatusHandler) else 0
