"""Keeps the status of an answer that cannot be read further: the server may have accepted the request."""

import functools
import re
import ssl
from typing import Any, Final, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

_STATUS_LINE: Final = re.compile(
    rb"\s*(?:HTTP/1\.\d 1\d\d.*?\r\n\r\n)*HTTP/\d(?:\.\d)? ([2-5]\d\d)[ \r\n]", re.DOTALL | re.IGNORECASE
)


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
    status_seen = 0
    _is_first_piece = True

    def set_response_params(self, **parameters: Any) -> None:
        self.status_seen, self._is_first_piece = 0, True
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        if self._is_first_piece:
            self._is_first_piece = False
            found = _STATUS_LINE.match(data)
            self.status_seen = int(found[1]) if found else 0
        super().data_received(data)


class StatusResponse(aiohttp.ClientResponse):
    """An answer whose status is kept if nothing else of it can be read."""

    async def start(self, connection: Connection) -> Self:
        """Read the head of the answer."""
        handler = connection.protocol
        try:
            await super().start(connection)
        except (aiohttp.ClientError, ValueError) as error:
            status = handler.status_seen if isinstance(handler, _StatusHandler) else 0
            if not status or self.method == "CONNECT":  # the answer of a proxy
                raise
            raise UnreadableAnswerError(status) from error
        return self
