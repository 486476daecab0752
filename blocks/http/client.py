"""The HTTP client: httpx over aiohttp's connections, the fastest of what was measured (decision 011)."""

import functools
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Final

import aiohttp
import httpx
from yarl import URL

from blocks.http.broken_answers import StatusConnector, StatusResponse, UnreadableAnswerError
from blocks.http.proxies import Proxy, SettingError, find_proxy

# Uncompressed, so that the limit on the body holds and nothing can blow up; not every server obeys.
_HEADERS: Final = {"user-agent": "rollback-drills", "accept-encoding": "identity"}
# Vendors and what stands before them send headers of many kilobytes; what was taken must not count as lost.
_LONGEST_HEADER: Final = 128 * 1024
_MOST_HEADERS: Final = 512
_NO_LIMIT: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)
_current: ContextVar[httpx.AsyncClient | None] = ContextVar("client", default=None)


@dataclass(slots=True)
class Progress:
    """How far a request got; travels with it as the extension `progress`."""

    sent: bool = False
    """Whether the first bytes were sent: from then on a server may have acted on it."""
    proxy: Proxy | None = None
    """The proxy on the way."""


@asynccontextmanager
async def open_client() -> AsyncIterator[httpx.AsyncClient]:
    """Yield the client of the surrounding block, or open one for this block and everything in it."""
    existing = _current.get()
    if existing is not None:
        yield existing
        return
    client = httpx.AsyncClient(
        transport=_AiohttpTransport(),
        follow_redirects=False,  # a 307 would replay the secrets to another host
        timeout=None,  # noqa: S113 - the deadline of the exchange covers all of it
        headers=_HEADERS,
    )
    # No cookies: what one connector is given must not go out with the request of another.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    token = _current.set(client)
    try:
        async with client:
            yield client
    finally:
        _current.reset(token)


class _AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends the requests of httpx through aiohttp.

    The package httpx-aiohttp does nearly this, but writes URLs anew: of a signed one every byte counts.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:
            self._session = _open_session(tls_context())
        progress = request.extensions.get("progress")
        proxy = find_proxy(request.url)
        if isinstance(progress, Progress):
            progress.proxy = proxy
        try:
            answer = await self._session.request(
                request.method,
                URL(_without_credentials(request.url), encoded=True),
                headers=request.headers,
                data=request.content or None,
                proxy=proxy.url if proxy else None,
                allow_redirects=False,
                trace_request_ctx=progress,
            )
        except UnreadableAnswerError as error:
            return httpx.Response(error.status, stream=_Unreadable(), request=request)
        return httpx.Response(
            answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Unreadable(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        raise httpx.ReadError("the answer cannot be read")
        yield b""  # what makes it an iterator


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        self._answer.release() if self._answer.content.at_eof() else self._answer.close()


def _open_session(tls: ssl.SSLContext) -> aiohttp.ClientSession:
    async def note_sending(_: object, context: object, __: object) -> None:
        progress = getattr(context, "trace_request_ctx", None)
        if isinstance(progress, Progress):
            progress.sent = True

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(note_sending)
    session = aiohttp.ClientSession(
        connector=StatusConnector(ssl=tls),
        response_class=StatusResponse,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("content-type",),
        auto_decompress=False,
        timeout=_NO_LIMIT,
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
        max_headers=_MOST_HEADERS,
        trace_configs=[tracing],
    )
    # Not even a PUT is repeated in silence on a connection that broke: it may have arrived.
    session._retry_connection = False  # noqa: SLF001 - there is no public way to say it
    return session


def _without_credentials(url: httpx.URL) -> str:
    """Return an address without user and password, of which httpx has made a header."""
    return str(url.copy_with(userinfo=b"") if url.userinfo else url)


def tls_context() -> ssl.SSLContext:
    """Return the context that verifies every server.

    Raises:
        SettingError: The certificates that the environment names cannot be read.
    """
    # The two variables are how httpx is told a private CA: https://www.python-httpx.org/environment_variables/
    file, folder = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    try:
        return _make_tls_context(file, folder)
    except OSError:  # what ssl raises of a file without certificates is one, too
        variable = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        raise SettingError(f"{variable} does not name readable certificates") from None


@functools.lru_cache(maxsize=4)
def _make_tls_context(cert_file: str, cert_dir: str) -> ssl.SSLContext:
    """Make the context once per setting: reading the certificates costs more than a request."""
    del cert_file, cert_dir  # read by httpx itself; they are arguments so that a change makes a new context
    return httpx.create_ssl_context()
