"""Says in one line what is wrong with the surroundings of a command: server, password, home folder, disk."""

import os
import re
import sys
from collections.abc import Iterator
from json import JSONDecodeError
from traceback import walk_tb

from rollback_drills.errors import reason_of
from rollback_drills.errors.extras import describe_missing

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_PROXY_VARIABLES = "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
NO_CERTIFICATES = "SSL_CERT_FILE does not name a readable file of certificates; correct it, or unset it"
_IS_ADDRESS = "Is PREFECT_API_URL its address, with /api at the end?"
_SERVER_IS_AWAY = ("Failed to reach API", "Timed out while attempting to connect")


def explain(error: BaseException) -> str | None:
    """Return what happened and what to do; None if the error is a mistake of this program."""
    for each in _chain(error):
        if problem := _explain_server(each) or _explain_network(each) or _explain_surroundings(each):
            return problem
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Return an error and what caused it; Prefect hides a server that is away behind a RuntimeError."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def _explain_server(error: BaseException) -> str | None:
    # Only what imported httpx can raise its errors; the fast commands do not.
    httpx = sys.modules.get("httpx")
    if httpx is not None and isinstance(error, httpx.HTTPStatusError):
        return _explain_status(error.response.status_code)
    if httpx is not None and isinstance(error, httpx.UnsupportedProtocol):
        return "PREFECT_API_URL does not begin with http:// or https://; correct it"
    if httpx is not None and isinstance(error, httpx.TransportError):
        return _unreachable(type(error).__name__)
    if isinstance(error, JSONDecodeError) and _is_raised_below("httpx", error):
        return f"the answer of the Prefect server is not JSON; does another program answer? {_IS_ADDRESS}"
    if isinstance(error, RuntimeError) and str(error).startswith(_SERVER_IS_AWAY):
        return None if error.__cause__ else _unreachable("no answer")
    return None


def _unreachable(why: str) -> str:
    proxies = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    exception = f", or add its host to NO_PROXY, because {', '.join(proxies)} is set" if proxies else ""
    return (
        f"the Prefect server cannot be reached ({why}); start it, or set PREFECT_API_URL to its address"
        + exception
    )


def _explain_status(status: int) -> str:
    if status in (401, 403):
        return (
            f"the Prefect server refuses the password ({status}); set PREFECT_API_AUTH_STRING (or"
            " PREFECT_API_KEY) to that of the server"
        )
    return f"the Prefect server answered {status}; its log says why. {_IS_ADDRESS}"


def _is_raised_below(package: str, error: BaseException) -> bool:
    """Whether an error comes from a package, or from what it called."""
    names = (str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__))
    return any(name.partition(".")[0] == package for name in names)


def _explain_network(error: BaseException) -> str | None:
    """Name the variables of the environment with which Prefect's client cannot even begin."""
    httpx, ssl = sys.modules.get("httpx"), sys.modules.get("ssl")
    if isinstance(error, ImportError) and str(error).startswith("Using SOCKS proxy"):
        return f"{_PROXY_VARIABLES} names a SOCKS proxy, which cannot be used; write http://HOST:PORT"
    if isinstance(error, ValueError) and str(error).startswith("Unknown scheme for proxy URL"):
        return f"{_PROXY_VARIABLES} has a scheme other than http and https; write http://HOST:PORT"
    if httpx is not None and isinstance(error, httpx.InvalidURL):
        return f"PREFECT_API_URL, NO_PROXY, {_PROXY_VARIABLES} is not a valid URL; correct it"
    is_of_certificates = ssl is not None and isinstance(error, ssl.SSLError)
    if is_of_certificates or (isinstance(error, FileNotFoundError) and not error.filename):
        return NO_CERTIFICATES
    return None


def _explain_surroundings(error: BaseException) -> str | None:
    if isinstance(error, ImportError) and (missing := describe_missing(error)):
        return f"this command {missing}"
    if setting := _find_setting(error):
        return f"{setting} of Prefect cannot be used; correct the variables that begin with PREFECT_"
    if isinstance(error, UnicodeEncodeError):
        return _explain_bytes()
    if isinstance(error, OSError):
        why = reason_of(error)
        return f"{error.filename}: {why}" if error.filename else f"the output cannot be written: {why}"
    return None


def _find_setting(error: BaseException) -> str | None:
    """Name the setting of Prefect that pydantic refuses, without its value; None if it is another error."""
    name = type(error).__name__
    if name == "SettingsError":  # its value is no JSON
        found = re.search(r'field "(\w+)"', str(error))
        return f"the setting {found[1]}" if found else "a setting"
    if name != "ValidationError" or not str(getattr(error, "title", "")).endswith("Settings"):
        return None
    places = [each["loc"] for each in getattr(error, "errors", list)()]
    return f"the setting {places[0][0]}" if places and places[0] else "a setting"


def _explain_bytes() -> str | None:
    """Name the argument or variable that is not UTF-8; None if all are."""
    for argument in filter(_is_broken, sys.argv):
        return f"the argument {argument!a} is not UTF-8; correct it, or the locale of the terminal"
    for name in (name for name, value in os.environ.items() if _is_broken(value)):
        return f"{name} is not UTF-8; correct it"
    return None


def _is_broken(text: str) -> bool:
    """Whether there are bytes in a text that are none; Python keeps them as lone surrogates (PEP 383)."""
    return any("\udc80" <= character <= "\udcff" for character in text)
