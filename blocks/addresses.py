"""Which addresses a connector may have, and what of an address may be shown."""

import ipaddress

import httpx

from rollback_drills.redaction import REDACTED


def url_problem(url: str) -> str:
    """Say what is wrong with the address of a provider, without repeating it; empty if it is usable."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        return "is not a valid URL"
    if not url.isprintable() or " " in url:
        return "is not a valid URL"  # httpx would percent-encode the blank, even in a host name
    if not parsed.host:
        return "is not a URL with a host; it must be https://…"
    if parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(parsed.host)):
        return ""
    return f"uses {parsed.scheme or 'no scheme'}; it must be https (plain http is for this machine only)"


def address_problem(url: str, what: str) -> str:
    """Say what is wrong with a configured address; empty if it is usable."""
    problem = url_problem(url)
    return f"{what} {problem}" if problem else ""


def site_problem(url: str, what: str) -> str:
    """Say what is wrong with the address of a site, which is stored in the clear."""
    problem = address_problem(url, what)
    if problem:
        return problem
    parsed = httpx.URL(url)
    if parsed.userinfo or parsed.query or parsed.fragment:
        return f"{what} must not hold a user name, a password or a query; it is stored in the clear"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def public_origin(url: str) -> str:
    """Return scheme and host of a URL, without user, path and query."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return REDACTED
    return f"{parsed.scheme}://{parsed.netloc.decode()}"
