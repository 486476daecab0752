"""The Ed25519 keys that sign heads, in the formats of C2SP signed-note (https://c2sp.org/signed-note)."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rollback_drills.errors import UsageError

_ED25519: Final = b"\x01"
_PRIVATE_KEY: Final = "PRIVATE+KEY+"
_KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies the signatures of one name, written as NAME+KEY_ID+BASE64."""

    name: str
    key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key as `text` gives it.

        Raises:
            UsageError: The text is no such key.
        """
        name, key_id, key = _parse_key(text.strip(), "a public key")
        public = cls(name, key)
        if key_id != public.key_id.hex():
            raise UsageError(f"the public key {text.strip()!r} does not fit its own id; copy it once more")
        return public

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    @property
    def text(self) -> str:
        """The key as it is published."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.key).decode()}"

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Return whether a signature is of this key and of this text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs, written as PRIVATE+KEY+NAME+KEY_ID+BASE64, the format of Go's note package."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> Self:
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key as `to_text` gives it.

        Raises:
            UsageError: The text is no such key. The message does not quote it.
        """
        if not text.startswith(_PRIVATE_KEY):
            raise UsageError(f"the signing key is damaged: it does not begin with {_PRIVATE_KEY}")
        name, key_id, seed = _parse_key(text.removeprefix(_PRIVATE_KEY).strip(), "the signing key")
        key = cls(name, seed)
        if key_id != key.public.key_id.hex():
            raise UsageError("the signing key is damaged: it does not fit its own id")
        return key

    def to_text(self) -> str:
        """Write the key, for the Secret block that keeps it."""
        key_id = self.public.key_id.hex()
        return f"{_PRIVATE_KEY}{self.name}+{key_id}+{b64encode(_ED25519 + self.seed).decode()}"

    @property
    def public(self) -> PublicKey:
        """The key that verifies."""
        return PublicKey(self.name, self._private.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Sign a text."""
        return self._private.sign(text)

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable() and " " not in name  # C2SP wants no blanks in it


def _parse_key(text: str, what: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        key = b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not _is_name(name) or len(key) != _KEY_SIZE + 1 or key[:1] != _ED25519:
        raise UsageError(f"{what} is not readable; it is written NAME+KEY_ID+BASE64, with an Ed25519 key")
    return name, key_id, key[1:]
