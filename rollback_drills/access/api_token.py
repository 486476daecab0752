"""Bearer tokens of the HTTP API: what they may do, until when, and how one is recognised."""

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.names.people import SHARED

PREFIX: Final = "drills_"
"""What every token begins with, so that scanners of secrets and people know what they have found."""
LONGEST_NAME: Final = 40
_NAME: Final = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST_NAME - 2}}}[a-z0-9])?")


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    RECORD = "record"  # record drills, and nothing else: for the pipelines in which they run
    OPERATE = "operate"  # deliver, acknowledge
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """Whether a token of this scope may do what another scope permits.

        Who may acknowledge cannot record: an accepted drill opens the gate.
        """
        return other in _INCLUDED[self]


_INCLUDED: Final = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.RECORD: frozenset({Scope.RECORD}),
    Scope.OPERATE: frozenset({Scope.READ, Scope.OPERATE}),
    Scope.ADMIN: frozenset(Scope),
}


class ApiToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token as it is kept: never itself, only its digest."""

    name: str
    scope: Scope
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None

    def may(self, scope: Scope) -> bool:
        """Whether its holder may do what a scope allows."""
        return self.scope.includes(scope)

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over; at `expires_at` it is."""
        return self.expires_at is not None and now >= self.expires_at


def issue_token(name: str, scope: Scope, expires_at: datetime | None) -> tuple[ApiToken, str]:
    """Make a token of 256 random bits; return what is kept of it, and the token itself.

    Raises:
        UsageError: The name is no name of a token.
    """
    check_name(name)
    secret = PREFIX + secrets.token_urlsafe(32)
    return ApiToken(name, scope, _digest(secret), expires_at), secret


def check_name(name: str) -> None:
    """Ensure that a token can have this name.

    Raises:
        UsageError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{show(name)} is not a name for a token; write 1 to {LONGEST_NAME} lower-case letters, digits"
            " and dashes, such as release-pipeline"
        )
    if name in SHARED:
        raise UsageError(f"{show(name)} stands for people who come through it; name the token otherwise")


def find_token(tokens: Iterable[ApiToken], presented: str) -> ApiToken | None:
    """Find the token that was presented, expired or not.

    Every token is compared, in constant time each, so that the time tells nothing about any of them.
    """
    digest = _digest(presented)
    found = None
    for each in tokens:
        if hmac.compare_digest(each.sha256, digest):
            found = each
    return found


def _digest(secret: str) -> str:
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
