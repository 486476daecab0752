"""What the ledger says of itself, as far as a verifier needs it."""

from typing import Final

import msgspec


class NamedKey(msgspec.Struct, frozen=True, gc=False):
    """The key that a row names."""

    public_key: str
    lost: bool = False
    """Whether the key before it was lost, and has not signed it."""


class Pruning(msgspec.Struct, frozen=True, gc=False):
    """What a row says of rows whose retention was over."""

    pruned_before: int
    row_count: int
    cut_off: str = ""
    once_keys: str | None = None
    """The digest over what is kept of them; None if an earlier version pruned them."""


class _Kind(msgspec.Struct, frozen=True, gc=False):
    metadata_kind: str


decode_key: Final = msgspec.json.Decoder(NamedKey).decode
decode_pruning: Final = msgspec.json.Decoder(Pruning).decode
_decode_kind: Final = msgspec.json.Decoder(_Kind).decode


def name_kind(content: bytes) -> str:
    """Return of which kind the record of a leaf is.

    Raises:
        MsgspecError, ValueError, RecursionError: It is no record.
    """
    return _decode_kind(content).metadata_kind
