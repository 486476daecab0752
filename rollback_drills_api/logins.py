"""Who logged in at a trusted proxy: the header counts only if the proxy sent it."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from rollback_drills.access.api_token import Scope
from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.names.people import PROXY, is_plain, name_via
from rollback_drills_api.problems import Problem

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_RESERVED: Final = frozenset({"authorization", "cookie", "host", "origin", "forwarded"})
_LONGEST: Final = 200


class Login(msgspec.Struct, frozen=True):
    """A person whom the proxy named."""

    person: str
    scopes: tuple[Scope, ...]

    @property
    def scope(self) -> str:
        """What this person may do, for messages."""
        return ", ".join(self.scopes)

    def may(self, scope: Scope) -> bool:
        """Whether this person may do what a scope allows."""
        return any(each.includes(scope) for each in self.scopes)

    @property
    def name(self) -> str:
        """How the evidence names this person."""
        return name_via(self.person, PROXY)


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """Whose header is believed."""

    header: str = ""
    """The header that names the person, in lower case; empty if no proxy does."""
    proxies: Sequence[Network] = ()
    """The addresses that the proxy connects from."""
    scopes: tuple[Scope, ...] = (Scope.OPERATE,)
    """What people who logged in may do."""


def parse_login(header: str | None, proxies: str | None, scope: str | None) -> LoginOptions:
    """Read whose header is believed.

    Args:
        header: The header that the proxy sets.
        proxies: Addresses and networks that it connects from, separated by commas.
        scope: What people who logged in may do, separated by commas; None for `operate`.

    Raises:
        UsageError: Header and addresses are not both there, or one cannot be used.
    """
    networks = [_parse_network(each.strip()) for each in proxies.split(",")] if proxies else []
    if not header and not networks:
        return LoginOptions()
    if not header:
        raise UsageError("is missing; a trusted proxy names people in a header", field="login_header")
    if not networks:
        raise UsageError(
            "is missing; without it everybody could say who they are in the login header",
            field="trusted_proxies",
        )
    if not _HEADER.fullmatch(header) or header.lower() in _RESERVED:
        raise UsageError(
            f"is {header}; write a header that only the proxy sets, such as X-Remote-User",
            field="login_header",
        )
    scopes = tuple(_parse_scope(each.strip()) for each in scope.split(",")) if scope else (Scope.OPERATE,)
    return LoginOptions(header.lower(), networks, scopes)


def _parse_scope(text: str) -> Scope:
    if text not in list(Scope):
        raise UsageError(f"is {show(text)}; write {', '.join(Scope)}", field="login_scope")
    return Scope(text)


def _parse_network(text: str) -> Network:
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise UsageError(
            f"is {text}; write an address or a network such as 10.1.2.3 or 10.1.0.0/16",
            field="trusted_proxies",
        ) from None
    if found.prefixlen == 0:
        raise UsageError(
            f"is {text}, which is everybody; name the addresses of the proxy", field="trusted_proxies"
        )
    return found


def read_login(headers: Sequence[tuple[bytes, bytes]], peer: str, options: LoginOptions) -> Login | None:
    """Return who logged in at the proxy; None if nobody did.

    Args:
        headers: Of the request.
        peer: The address that the connection came from.
        options: Whose header is believed.

    Raises:
        Problem: The header did not come from the proxy, or names nobody whom the evidence could name.
    """
    if not options.header:
        return None
    name = options.header.encode()
    found = [value for key, value in headers if key == name]
    if not found:
        return None
    if not _is_trusted(peer, options.proxies):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"the header {options.header} is taken from the trusted proxy alone; leave it out, or connect"
            " through the proxy",
        )
    if len(found) > 1:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the header {options.header} is there more than once")
    return _read_person(found[0], options)


def _read_person(value: bytes, options: LoginOptions) -> Login | None:
    try:
        person = value.decode().strip()
    except UnicodeDecodeError:
        person = "\0"
    if not person:  # the proxy knows nobody, and says so
        return None
    # a proxy that adds its header to the caller's would write both names into one, with a comma
    is_odd = "," in person or len(person) > _LONGEST or not is_plain(person)
    if is_odd or not person.isprintable() or explain_odd_name(person):
        raise Problem(HTTPStatus.BAD_REQUEST, f"the header {options.header} holds no name of one person")
    return Login(person, options.scopes)


def _is_trusted(peer: str, proxies: Iterable[Network]) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:  # a socket without an address
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in each for each in proxies)
