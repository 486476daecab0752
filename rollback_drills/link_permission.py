"""The permission that a link in a message carries: to acknowledge one route, and nothing else (RFC 7519)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Final, Self

import msgspec

from rollback_drills.errors import UsageError

LASTS: Final = timedelta(days=30)
"""How long a link can be used at most; the end of its cycle ends it earlier."""
_MEANT_FOR: Final = "rollback-drills/acknowledge"
_ALGORITHM: Final = "HS256"
_MOST_KEYS: Final = 3


class LinkKey(msgspec.Struct, frozen=True):
    """One key that signs permissions."""

    key_id: str
    secret: str

    @classmethod
    def generate(cls) -> Self:
        """Return a new key of 256 bits."""
        return cls(token_hex(4), token_hex(32))


class LinkKeys(msgspec.Struct, frozen=True):
    """The keys of a deployment: the first one signs, and all are accepted."""

    keys: tuple[LinkKey, ...]

    @classmethod
    def generate(cls) -> Self:
        """Return one new key."""
        return cls((LinkKey.generate(),))

    def rotate(self, *, is_old_valid: bool) -> "LinkKeys":
        """Return the keys with a new first one; links of the old ones stay valid if that is wanted."""
        old: Sequence[LinkKey] = self.keys[: _MOST_KEYS - 1] if is_old_valid else ()
        return LinkKeys((LinkKey.generate(), *old))

    def sign(self, route_key: str, *, now: datetime) -> str:
        """Return a permission to acknowledge a route."""
        import jwt  # only who delivers with links needs it

        first, ends = self.keys[0], now + LASTS
        claims = {"aud": _MEANT_FOR, "sub": route_key, "exp": int(ends.timestamp())}
        return jwt.encode(claims, first.secret, _ALGORITHM, {"kid": first.key_id})

    def read(self, permission: str, *, now: datetime) -> str:
        """Return the key of the route that may be acknowledged.

        Raises:
            UsageError: The permission is not ours, or its time is over.
        """
        import jwt

        try:
            key_id = jwt.get_unverified_header(permission).get("kid")
            key = next(each for each in self.keys if each.key_id == key_id)
            claims = jwt.decode(
                permission,
                key.secret,
                [_ALGORITHM],
                options={"require": ["aud", "sub", "exp"], "verify_exp": False},
                audience=_MEANT_FOR,
            )
            ends = datetime.fromtimestamp(claims["exp"], UTC)
            route_key = str(claims["sub"])
        except (jwt.InvalidTokenError, StopIteration, OverflowError, TypeError, ValueError):
            raise UsageError("this link is not valid; use the one of the newest message") from None
        if now >= ends:
            raise UsageError("this link has expired; use the one of the newest message")
        return route_key


def parse_keys(text: str) -> LinkKeys:
    """Read the keys as their Secret block has them.

    Raises:
        UsageError: The text is something else.
    """
    try:
        keys = msgspec.json.decode(text, type=LinkKeys)
    except msgspec.MsgspecError:
        raise UsageError("it holds no keys") from None
    if not keys.keys or any(len(each.secret) < 64 for each in keys.keys):
        raise UsageError("it holds no keys")
    return keys
