"""The keys that sign the links of messages: one Prefect Secret block, created with the first link."""

from contextlib import suppress
from typing import Final

import msgspec
from prefect.blocks.system import Secret

from blocks.block_documents import open_secret_block
from rollback_drills.access.link_permission import LinkKeys, parse_keys
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.errors.effects import note_effect

BLOCK_NAME: Final = "rollback-drills-link-keys"


class LinkKeysError(DrillsError):
    """The Secret block of the keys is damaged; the message names the remedy."""


def load_link_keys() -> LinkKeys | None:
    """Open the keys; None if there are none yet.

    Raises:
        LinkKeysError: The Secret block is damaged.
    """
    text = open_secret_block(BLOCK_NAME, LinkKeysError)
    if text is None:
        return None
    try:
        return parse_keys(text)
    except UsageError as error:
        raise LinkKeysError(
            f"the Secret block {BLOCK_NAME} is not usable: {error}; delete it, and the next message makes new"
            " keys"
        ) from None


def open_link_keys() -> LinkKeys:
    """Open the keys, or save a new one if there are none yet.

    Several deliveries may find none at the same time: the first to save wins, and all sign with its key.
    """
    if found := load_link_keys():
        return found
    with suppress(ValueError):  # another delivery has saved its keys
        _save(LinkKeys.generate(), overwrite=False)
    found = load_link_keys()
    if found is None:
        raise LinkKeysError(f"the Secret block {BLOCK_NAME} was saved, and cannot be read")
    return found


def replace_link_keys(keys: LinkKeys) -> None:
    """Save keys in place of the ones before."""
    _save(keys, overwrite=True)


def _save(keys: LinkKeys, *, overwrite: bool) -> None:
    block: Secret[str] = Secret(value=msgspec.json.encode(keys).decode())
    block.save(BLOCK_NAME, overwrite=overwrite, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    note_effect()
