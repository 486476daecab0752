"""The proxy that the environment names for an address, and why it failed."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

from blocks.addresses import basic_authorization, host_of, is_host, is_loopback
from rollback_drills.errors import DrillsError

_PORTS: Final = {"http": 80, "https": 443}
_SOCKS: Final = ("socks", "socks4", "socks4a", "socks5", "socks5h")
_MEANINGS: Final[Mapping[int, str]] = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "it requires a user name and a password",
    HTTPStatus.FORBIDDEN: "it does not allow this address",
}


class SettingError(DrillsError):
    """An environment variable is unusable, so nothing can be sent.

    The message names the variable and the remedy, and never repeats the value.
    """


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it."""

    url: URL = field(repr=False)
    variable: str
    headers: Mapping[str, str] = field(repr=False)


def find_proxy(url: httpx.URL) -> Proxy | None:
    """Return the proxy for an address; no proxy can reach this machine's loopback.

    Raises:
        SettingError: The variable names no proxy that can be used.
    """
    host, port = host_of(url), url.port or _PORTS.get(url.scheme, 0)
    spellings = {host, url.raw_host.decode()}  # bücher.example and xn--bcher-kva.example
    if is_loopback(host) or any(_is_excepted(each, port) for each in spellings):
        return None
    proxies = getproxies()
    for kind in (url.scheme, "all"):
        if value := proxies.get(kind):
            return _read(value, _variable(f"{kind}_proxy", value))
    return None


def explain_proxy_failure(causes: Sequence[BaseException], proxy: Proxy, why: str) -> str:
    """Explain why a proxy did not connect; empty if the proxy is not the cause.

    Args:
        causes: The failure and everything behind it.
        proxy: The proxy on the way.
        why: What happened to the connection.
    """
    for cause in causes:
        if isinstance(cause, aiohttp.ClientHttpProxyError):
            meaning = _MEANINGS.get(cause.status)
            answer = f"the proxy that {proxy.variable} names answered {cause.status}"
            return f"{answer}: {meaning}" if meaning else answer
    if not any(_is_of_proxy(cause, proxy) for cause in causes):
        return ""
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return f"the certificate of the proxy that {proxy.variable} names could not be verified"
    return f"the proxy that {proxy.variable} names cannot be reached: {why}"


def _is_of_proxy(cause: BaseException, proxy: Proxy) -> bool:
    # With a proxy, only its name is looked up here.
    if isinstance(cause, aiohttp.ClientProxyConnectionError | socket.gaierror):
        return True
    kinds = aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError
    return isinstance(cause, kinds) and cause.host == proxy.url.host


def _read(value: str, variable: str) -> Proxy:
    text = value.strip()
    if "://" not in text:
        text = f"http://{text.removeprefix('//')}"  # as curl does
    try:
        url = URL(text)
        is_usable = is_host(url.raw_host or "") and bool(url.host)  # which decodes it
    except ValueError:
        url, is_usable = URL(), False
    if url.scheme in _SOCKS:
        raise SettingError(f"{variable} names a socks proxy; only http and https proxies can be used")
    if url.scheme not in _PORTS or not is_usable:
        raise SettingError(f"{variable} is not the address of a proxy; it must be http://HOST:PORT")
    headers = {}
    if url.raw_user or url.raw_password:  # aiohttp would refuse all that is not Latin-1
        headers["Proxy-Authorization"] = basic_authorization(url.user or "", url.password or "")
    return Proxy(url.with_user(None), variable, headers)


def _variable(name: str, value: str) -> str:
    named = (each for each in (name, *os.environ) if each.lower() == name and os.environ.get(each) == value)
    return next(named, "the system's settings")


def _is_excepted(host: str, port: int) -> bool:
    """Whether `NO_PROXY` names a host: by name, domain, address or network, with or without its port."""
    host = host.removesuffix(".")
    address = f"{host}:{port}"
    if proxy_bypass(address):
        return True
    # What urllib does not know of other clients: blanks as separators, *.domain, [address]:port, networks.
    listed = getproxies().get("no", "").lower().replace("[", "").replace("]", "").replace(",", " ").split()
    names = [name for each in listed if (name := each.removeprefix("*.").removesuffix("."))]
    is_named = any(text == name or text.endswith(f".{name}") for text in (host, address) for name in names)
    return is_named or _is_within(host, names)


def _is_within(host: str, networks: Iterable[str]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for network in networks:
        try:
            if address in ipaddress.ip_network(network, strict=False):  # an address is a network of one
                return True
        except ValueError:
            continue
    return False
