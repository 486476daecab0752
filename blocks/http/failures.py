"""The verdict on a request that ended without an answer."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final

import aiohttp
import httpx

from blocks.http.proxies import Proxy, SettingError, explain_proxy_failure
from rollback_drills.notifications.outcome import Outcome, Verdict

# What can be wrong before a byte is sent; the texts of these errors may quote the request.
_UNSENDABLE = (
    (httpx.InvalidURL, "the address of the connector is not a valid url"),
    (aiohttp.InvalidURL, "the address of the connector is not a valid url"),
    (ValueError, "the request violates the http protocol; check the configured headers"),
)
# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/#error-codes
_UNKNOWN_AUTHORITY: Final = "its authority is not known; add a private authority to SSL_CERT_FILE"
_OF_ANOTHER_HOST: Final = "it is for another host"
_CERTIFICATE_FAULTS: Final[Mapping[int, str]] = {
    9: "it is not valid yet",
    10: "it has expired",
    **dict.fromkeys((18, 19, 20, 21), _UNKNOWN_AUTHORITY),
    **dict.fromkeys((62, 64), _OF_ANOTHER_HOST),
}


def judge_failure(
    failure: Exception | None, *, sent: bool, timeout_seconds: float, proxy: Proxy | None = None
) -> Verdict:
    """Judge an exchange that brought no answer, by how far it came.

    The text of the exception is never used: it may hold the URL or a header.

    Args:
        failure: What ended the exchange.
        sent: Whether the request began to leave.
        timeout_seconds: The deadline of the exchange.
        proxy: The proxy on the way, if there was one.
    """
    causes = tuple(_causes(failure))
    if isinstance(failure, SettingError):
        return Verdict(Outcome.RETRY, str(failure))
    if proxy and (problem := explain_proxy_failure(causes, proxy, _why(causes))):
        return Verdict(Outcome.RETRY, problem)
    refused = [cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)]
    if refused:
        detail = "the certificate of the server could not be verified"
        if proxy is None:
            codes = (getattr(cause, "verify_code", 0) for cause in refused)  # the error of aiohttp has none
            why = next((_CERTIFICATE_FAULTS[code] for code in codes if code in _CERTIFICATE_FAULTS), "")
            return Verdict(Outcome.PERMANENT, f"{detail}: {why}" if why else detail)
        # Proxies that look into connections show certificates of their own.
        hint = f"through the proxy that {proxy.variable} names; add its authority to SSL_CERT_FILE"
        return Verdict(Outcome.RETRY, f"{detail} ({hint})")
    for kind, detail in _UNSENDABLE:
        if isinstance(failure, kind):
            return Verdict(Outcome.PERMANENT, detail)
    is_late = isinstance(failure, TimeoutError)
    if sent:
        what = (
            f"no answer came within {timeout_seconds:.3g} s"
            if is_late
            else "the connection broke before an answer"
        )
        return Verdict(Outcome.AMBIGUOUS, f"sent, but {what}")
    why = f"no connection within {timeout_seconds:.3g} s" if is_late else _why(causes)
    return Verdict(Outcome.RETRY, f"{why} (through the proxy that {proxy.variable} names)" if proxy else why)


def _why(causes: tuple[BaseException, ...]) -> str:
    for kind, why in (
        (socket.gaierror, "the host name could not be resolved"),
        (ConnectionRefusedError, "the connection was refused"),
        (ssl.SSLError, "the tls handshake failed"),
        (aiohttp.ClientResponseError, "the answer cannot be read"),
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
