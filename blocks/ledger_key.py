"""The key that signs the evidence: a Prefect Secret block, created when the first evidence is written."""

import secrets
from typing import Final, cast

from prefect.blocks.system import Secret

from blocks.connector import open_secret
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.ledger.keys import PublicKey, SigningKey

_ORIGIN: Final = "rollback-drills"


class LedgerKeyError(DrillsError):
    """The key of the evidence is not there or not usable; the message says how to go on."""


def open_signing_key(public_key: PublicKey | None) -> SigningKey:
    """Open the private key that belongs to a public one; without one, make a key and save it.

    Raises:
        LedgerKeyError: The Secret block is missing or damaged.
    """
    if public_key is None:
        return save_new_key(f"{_ORIGIN}/{secrets.token_hex(8)}")
    name = block_name(public_key)
    try:
        # _sync: in an event loop `load` would return a coroutine
        block = cast("Secret[str]", Secret.load(name, _sync=True))  # type: ignore[call-arg]  # Prefect's own
    except ValueError:
        raise LedgerKeyError(
            f"the key that signs the evidence is not on this Prefect server: restore its Secret block {name},"
            " or go on with a new key by `drills evidence rotate-key --lost`"
        ) from None
    try:
        key = SigningKey.parse(open_secret(block))
    except UsageError as error:
        raise LedgerKeyError(f"the Secret block {name} is not usable: {error}") from None
    if key.public != public_key:
        raise LedgerKeyError(
            f"the Secret block {name} holds another key than the one that signs the evidence"
        )
    return key


def save_new_key(origin: str) -> SigningKey:
    """Make a key for a ledger, and save it as a Secret block of its own."""
    key = SigningKey.generate(origin)
    block: Secret[str] = Secret(value=key.to_text())
    block.save(block_name(key.public), _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    open_secret(block)
    return key


def block_name(public_key: PublicKey) -> str:
    """Name the Secret block of a key."""
    return f"rollback-drills-ledger-{public_key.name.rpartition('/')[2]}-{public_key.key_id.hex()}"
