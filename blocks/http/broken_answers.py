"""Keeps the status of an answer that cannot be read further: what the server accepted was not lost."""

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
    """A server sent a status, and then what no parser takes: headers without end, contradictory lengths."""

    def __init__(self, status: int) -> None:
        """Keep the status."""
        super().__init__(status)
        self.status = status


class StatusConnector(aiohttp.TCPConnector):
    """Opens connections that remember the status of the last answer."""

    def __init__(self, *, ssl: ssl.SSLContext) -> None:
        """Verify every server with a context."""
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
    """An answer that is refused with its status, if that is all that can be read of it."""

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
