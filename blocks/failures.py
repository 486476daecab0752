"""What it means when a request ends without an answer."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from rollback_drills.delivery.outcome import Outcome, Verdict

# What can be wrong before a byte is sent; the texts of these errors may quote the request.
_UNSENDABLE = (
    (httpx.InvalidURL, "the address of the connector is not a valid url"),
    (httpx.UnsupportedProtocol, "the address of the connector is not a valid url"),
    (httpx.LocalProtocolError, "the request breaks the http protocol; look at the configured headers"),
    (ValueError, "the request breaks the http protocol; look at the configured headers"),
)


def judge_failure(failure: Exception | None, *, sent: bool, timeout_seconds: float) -> Verdict:
    """Judge an exchange that brought no answer, by how far it came.

    The text of the exception is never used: it may hold the URL or a header.
    """
    causes = tuple(_causes(failure))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Verdict(Outcome.PERMANENT, "the certificate of the server could not be verified")
    for kind, detail in _UNSENDABLE:
        if isinstance(failure, kind):
            return Verdict(Outcome.PERMANENT, detail)
    is_late = isinstance(failure, TimeoutError | httpx.TimeoutException)
    if sent:
        what = (
            f"no answer came within {timeout_seconds:.3g} s"
            if is_late
            else "the connection broke before an answer"
        )
        return Verdict(Outcome.AMBIGUOUS, f"sent, but {what}")
    return Verdict(
        Outcome.RETRY, f"no connection within {timeout_seconds:.3g} s" if is_late else _why(causes)
    )


def _why(causes: tuple[BaseException, ...]) -> str:
    for kind, why in (
        (socket.gaierror, "the host name could not be resolved"),
        (ConnectionRefusedError, "the connection was refused"),
        (ssl.SSLError, "the tls handshake failed"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return why
    return "could not connect"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]
