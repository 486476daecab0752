"""The addresses that a connector may have, and the part of an address that may be shown."""

import ipaddress
import re
from base64 import b64encode
from functools import lru_cache
from typing import Final

import httpx

from rollback_drills.redaction.redactor import REDACTED
from rollback_drills.redaction.secret_forms import is_key

_LONGEST_NAME: Final = 253
_PORTS: Final = range(1, 65536)
_NAME: Final = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?", re.ASCII)  # RFC 1035, 2.3.4; underscores occur


@lru_cache(maxsize=256)
def parse_url(url: str) -> httpx.URL:
    """Return an address in its parts; thousands of requests may go to the same one.

    Raises:
        httpx.InvalidURL, ValueError, TypeError: It is none.
    """
    return httpx.URL(url)


def host_of(url: httpx.URL) -> str:
    """Return the host of an address as people write it; as DNS has it, if no rule of today allows it."""
    try:
        return url.host
    except UnicodeError:  # the rules of 2008 have no emoji, and older names have
        return url.raw_host.decode()


@lru_cache(maxsize=256)
def url_problem(url: str) -> str:
    """Return what is wrong with the address of a provider, without repeating it; empty if it is usable."""
    try:
        parsed = parse_url(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        return "is not a valid URL"
    if not url.isprintable() or " " in url:
        return "is not a valid URL"  # httpx would percent-encode the blank, even in a host name
    if not parsed.raw_host:
        return "is not a URL with a host; it must be https://…"
    is_port = parsed.port is None or parsed.port in _PORTS
    if not is_port or not is_host(parsed.raw_host.decode()):
        return "is not a valid URL; check its host and port"
    if parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(host_of(parsed))):
        return ""
    return f"uses {parsed.scheme or 'no scheme'}; it must be https (plain http only works on this machine)"


def is_host(host: str) -> bool:
    """Whether a host can be looked up: an address, or a name of labels that DNS can carry."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        is_number = host.replace(".", "").isdigit()  # 10.1: some programs read it as an address
        return len(host) <= _LONGEST_NAME and _NAME.fullmatch(host) is not None and not is_number
    return True


def address_problem(url: str, what: str) -> str:
    """Return what is wrong with a configured address; empty if it is usable."""
    problem = url_problem(url)
    return f"{what} {problem}" if problem else ""


def site_problem(url: str, what: str, *, path: str = "") -> str:
    """Explain what is wrong with the address of a site, which is stored in clear text.

    Args:
        url: The address.
        what: How it is called.
        path: The path below the site that is put behind the address; people paste it along.
    """
    problem = address_problem(url, what)
    if problem:
        return problem
    parsed = parse_url(url)
    if parsed.userinfo or parsed.query or parsed.fragment:
        return f"{what} must have no user name, password or query; it is stored in clear text"
    if path and path in f"{parsed.path}/":
        return f"{what} must end before {path}, which is appended"
    return ""


def basic_authorization(user: str, password: str) -> str:
    """Return the header with which a user logs in: RFC 7617, 2."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def credentials_within(url: str) -> list[str]:
    """Return the user and password in an address, as written and as sent.

    A user without a password is only a credential if it looks like a key: `user` is in many texts.
    """
    try:
        parsed = parse_url(url)
    except (httpx.InvalidURL, ValueError):
        return []
    if not parsed.password and not is_key(parsed.username):
        return []
    return [f"{parsed.username}:{parsed.password}", parsed.password or parsed.username]


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def public_origin(url: str) -> str:
    """Return scheme and host of a URL, without user, path and query."""
    try:
        parsed = parse_url(url)
    except httpx.InvalidURL:
        return REDACTED
    return f"{parsed.scheme}://{parsed.netloc.decode()}"
