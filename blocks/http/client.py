"""The HTTP client: the connections of aiohttp, one set of them for everything that is sent within a block."""

import functools
import os
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain
from typing import Final

import aiohttp
import httpx
from yarl import URL

from blocks.addresses import basic_authorization
from blocks.http.broken_answers import StatusConnector, StatusResponse
from blocks.http.proxies import Proxy, SettingError, find_proxy

# Uncompressed, so that the limit on the body holds and nothing can blow up; not every server obeys.
_HEADERS: Final = {"user-agent": "rollback-drills", "accept-encoding": "identity"}
_HASHED_NAME: Final = re.compile(r"[0-9a-f]{8}\.\d+")  # as `openssl rehash` writes them
_NO_LIMIT: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)


@dataclass(slots=True)
class Progress:
    """How far a request got."""

    sent: bool = False
    """Whether the first bytes were sent: from then on a server may have acted on it."""
    proxy: Proxy | None = None
    """The proxy on the way."""


class Client:
    """Sends requests, and keeps the connections open. It follows no redirect and keeps no cookie."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def send(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes, progress: Progress
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request once and yield its answer, of whose body nothing is read yet.

        Args:
            method: Of HTTP.
            url: The address. Every byte is sent as it is, since some are signed; a user and a password in it
                become a header (RFC 7617).
            headers: Names and values.
            content: The body.
            progress: Is kept up to date, also when this fails.

        Raises:
            SettingError: An environment variable is unusable.
            UnreadableAnswerError: Only the status of the answer can be read.
            aiohttp.ClientError, OSError, ValueError: The request or its answer failed.
        """
        if self._session is None:
            self._session = _open_session(tls_context())
        progress.proxy = proxy = find_proxy(url)
        if url.userinfo:
            headers = {"authorization": basic_authorization(url.username, url.password), **headers}
            url = url.copy_with(userinfo=b"")
        answer = await self._session.request(
            method,
            URL(str(url), encoded=True),
            headers=headers,
            data=content or None,
            proxy=proxy.url if proxy else None,
            proxy_headers=proxy.headers if proxy else None,
            allow_redirects=False,  # a 307 would replay the secrets to another host
            trace_request_ctx=progress,
        )
        try:
            yield answer
        finally:
            if answer.content.at_eof():
                answer.release()
            else:
                answer.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


_current: ContextVar[Client | None] = ContextVar("client", default=None)


@asynccontextmanager
async def open_client() -> AsyncIterator[Client]:
    """Yield the client of the surrounding block, or open one for this block and everything in it."""
    existing = _current.get()
    if existing is not None:
        yield existing
        return
    client = Client()
    token = _current.set(client)
    try:
        yield client
    finally:
        _current.reset(token)
        await client.close()


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
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("content-type",),
        auto_decompress=False,
        timeout=_NO_LIMIT,
        trace_configs=[tracing],
    )
    # Not even a PUT is repeated in silence on a connection that broke: it may have arrived.
    session._retry_connection = False  # noqa: SLF001 - there is no public way to say it
    return session


def tls_context() -> ssl.SSLContext:
    """Return the context that verifies every server.

    Raises:
        SettingError: The certificates that the environment names cannot be read.
    """
    # The two variables are how httpx is told a private CA: https://www.python-httpx.org/environment_variables/
    file, folder = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    try:
        if folder and not file:
            _require_certificates(folder)
        return _make_tls_context(file, folder)
    except OSError:  # what ssl raises of a file without certificates is one, too
        variable = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        raise SettingError(f"{variable} does not name readable certificates") from None


def _require_certificates(folders: str) -> None:
    """Ensure that folders have certificates by the names that OpenSSL looks for: it raises for none of them.

    Raises:
        OSError: A folder cannot be listed, or none has a certificate.
    """
    if not any(map(_HASHED_NAME.fullmatch, chain.from_iterable(map(os.listdir, folders.split(os.pathsep))))):
        raise FileNotFoundError


@functools.lru_cache(maxsize=4)
def _make_tls_context(cert_file: str, cert_dir: str) -> ssl.SSLContext:
    """Make the context once per setting: reading the certificates costs more than a request."""
    del cert_file, cert_dir  # read by httpx itself; they are arguments so that a change makes a new context
    return httpx.create_ssl_context()
