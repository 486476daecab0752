"""What the keys of a deployment sign: addresses that permit something, and the forms of the console.

The link of a message permits acknowledging one route. The address of a feed permits reading one calendar.
Both are JSON Web Tokens (RFC 7519). The mark of a form shows that it was made for its caller.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from rollback_drills.errors import UsageError

LASTS: Final = timedelta(days=30)
"""How long a link can be used at most; the end of its cycle ends it earlier."""
FEED_LASTS: Final = timedelta(days=366)
"""How long the address of a feed can be used at most; a revocation ends it earlier."""
FORM_LASTS: Final = timedelta(hours=4)
"""How long a form can be sent; a page that is older asks to send it again."""
_ACKNOWLEDGE: Final = "rollback-drills/acknowledge"
_FEED: Final = "rollback-drills/calendar-feed"
_ALGORITHM: Final = "HS256"
_MOST_KEYS: Final = 3


class LinkKey(msgspec.Struct, frozen=True):
    """One key that signs permissions."""

    key_id: Annotated[str, Meta(pattern="^[0-9a-f]{8}$")]
    secret: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

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
        return self._sign(_ACKNOWLEDGE, route_key, now + LASTS)

    def read(self, permission: str, *, now: datetime) -> str:
        """Return the key of the route that may be acknowledged.

        Raises:
            UsageError: The permission is not ours, or its time is over.
        """
        return self._read(_ACKNOWLEDGE, permission, now, "this link", "use the one of the newest message")

    def sign_feed(self, feed_id: str, *, now: datetime) -> str:
        """Return a permission to read the calendar of a feed."""
        return self._sign(_FEED, feed_id, now + FEED_LASTS)

    def read_feed(self, permission: str, *, now: datetime) -> str:
        """Return the id of the feed that may be read.

        Raises:
            UsageError: The permission is not ours, or its time is over.
        """
        return self._read(_FEED, permission, now, "this address", "ask for a new one")

    def mark_form(self, caller: str, *, now: datetime) -> str:
        """Return the mark of a form for a caller: when it ends, which key signed it, and the signature.

        It is no JSON Web Token: pages are redacted, and those look like secrets.
        """
        ends = str(int((now + FORM_LASTS).timestamp()))
        return f"{ends}.{self.keys[0].key_id}.{_sign_form(self.keys[0], caller, ends)}"

    def check_form(self, mark: str, caller: str, *, now: datetime) -> None:
        """Ensure that a form was made for a caller, and not too long ago.

        Raises:
            UsageError: It was not.
        """
        written, _, rest = mark.partition(".")
        key_id, _, signature = rest.partition(".")
        key = next((each for each in self.keys if each.key_id == key_id), None)
        is_ours = key is not None and hmac.compare_digest(
            _sign_form(key, caller, written).encode(), signature.encode("utf-8", "surrogatepass")
        )
        if not is_ours or now.timestamp() >= int(written):
            raise UsageError(
                "nothing was done: the page was open for too long, or is not yours; send it again"
            )

    def _sign(self, meant_for: str, subject: str, ends: datetime) -> str:
        import jwt  # only who delivers with links needs it

        first = self.keys[0]
        claims = {"aud": meant_for, "sub": subject, "exp": int(ends.timestamp())}
        return jwt.encode(claims, first.secret, _ALGORITHM, {"kid": first.key_id})

    def _read(self, meant_for: str, permission: str, now: datetime, what: str, remedy: str) -> str:
        import jwt

        try:
            key_id = jwt.get_unverified_header(permission).get("kid")
            key = next(each for each in self.keys if each.key_id == key_id)
            claims = jwt.decode(
                permission,
                key.secret,
                [_ALGORITHM],
                options={"require": ["aud", "sub", "exp"], "verify_exp": False},
                audience=meant_for,
            )
            ends = datetime.fromtimestamp(claims["exp"], UTC)
            subject = str(claims["sub"])
        except (jwt.InvalidTokenError, StopIteration, OverflowError, TypeError, ValueError):
            raise UsageError(f"{what} is not valid; {remedy}") from None
        if not _is_written_as_signed(permission):
            raise UsageError(f"{what} is not valid; {remedy}")
        if now >= ends:
            raise UsageError(f"{what} has expired; {remedy}")
        return subject


def _is_written_as_signed(permission: str) -> bool:
    """Return whether the signature is in its only form: the last character of Base64 has unused bits.

    https://www.rfc-editor.org/rfc/rfc4648#section-3.5
    """
    signature = permission.rpartition(".")[2]
    decoded = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return urlsafe_b64encode(decoded).rstrip(b"=").decode() == signature


def _sign_form(key: LinkKey, caller: str, ends: str) -> str:
    text = f"rollback-drills/form\n{ends}\n{caller}"
    return hmac.new(key.secret.encode(), text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def parse_keys(text: str) -> LinkKeys:
    """Read the keys as their Secret block has them.

    Raises:
        UsageError: The text is something else.
    """
    try:
        keys = msgspec.json.decode(text, type=LinkKeys)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise UsageError("it holds no keys") from None
    if not keys.keys:
        raise UsageError("it holds no keys")
    return keys
