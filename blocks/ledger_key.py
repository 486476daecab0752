"""The key that signs the evidence: a Prefect Secret block, created when the first evidence is written."""

import secrets
from typing import Final

from prefect.blocks.system import Secret

from blocks.block_documents import find_documents, open_secret_block
from blocks.secret_fields import open_secret
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.errors.effects import note_effect
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.rendering.command_line import write_command

_ORIGIN: Final = "rollback-drills"
_PREFIX: Final = f"{_ORIGIN}-ledger"


class LedgerKeyError(DrillsError):
    """The key of the evidence is not there or not usable; the message names the remedy."""


def open_signing_key(public_key: PublicKey | None) -> SigningKey:
    """Open the private key of a public key, or save a new key if there is none yet.

    Raises:
        LedgerKeyError: The Secret block is missing or damaged.
    """
    if public_key is None:
        return save_new_key(f"{_ORIGIN}/{secrets.token_hex(8)}")
    name = block_name(public_key)
    replace = f"replace the key with `{write_command('evidence', 'rotate-key', lost=True)}`"
    value = open_secret_block(name, LedgerKeyError)
    if value is None:
        raise LedgerKeyError(
            f"the key that signs the evidence is not on this Prefect server: restore its Secret block {name},"
            f" or {replace}"
        )
    try:
        key = SigningKey.parse(value)
    except UsageError as error:
        raise LedgerKeyError(
            f"the Secret block {name} is not usable: {error}; restore it, or {replace}"
        ) from None
    if key.public != public_key:
        raise LedgerKeyError(
            f"the Secret block {name} has another key than the one that signs the evidence; restore it, or"
            f" {replace}"
        )
    return key


def save_new_key(origin: str) -> SigningKey:
    """Make a key for a ledger, and save it as a Secret block of its own."""
    key = SigningKey.generate(origin)
    block: Secret[str] = Secret(value=key.to_text())
    block.save(block_name(key.public), _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    note_effect()
    open_secret(block)
    return key


def count_other_ledgers(public_key: PublicKey | None) -> int:
    """Return for how many ledgers the server keeps keys, without the ledger of a key."""
    found = find_documents([Secret.get_block_type_slug()], {"name": {"like_": f"{_PREFIX}-"}})
    names = (each.name for each in found.documents if each.name)
    ledgers = {name.rpartition("-")[0] for name in names if name.startswith(f"{_PREFIX}-")}
    own = {block_name(public_key).rpartition("-")[0]} if public_key else set()
    return len(ledgers - own)


def block_name(public_key: PublicKey) -> str:
    """Name the Secret block of a key."""
    return f"{_PREFIX}-{public_key.name.rpartition('/')[2]}-{public_key.key_id.hex()}"
