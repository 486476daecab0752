"""Keeps the tokens of the HTTP API as Secret blocks, one block for each."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from typing import Final

import msgspec
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument

from blocks.block_documents import CANNOT_READ, FoundDocuments, find_documents
from rollback_drills.access.api_token import ApiToken
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.errors.effects import note_effect

logger = logging.getLogger(__name__)

_PREFIX: Final = "rollback-drills-api-token-"


class ApiTokenError(DrillsError):
    """The Secret block of a token is damaged; the message names it."""


@dataclass(frozen=True, slots=True)
class FoundTokens:
    """The Secret blocks of tokens."""

    tokens: Sequence[ApiToken]
    """Those that are usable, by name."""
    unreadable: Sequence[str]
    """A message for each block that the server cannot read."""
    damaged: Sequence[str]
    """A message for each block that holds no usable token."""

    @property
    def problems(self) -> list[str]:
        """Every message, in their order."""
        return sorted([*self.unreadable, *self.damaged])


def list_tokens() -> Sequence[ApiToken]:
    """Return the usable tokens by name; the log names those that are not.

    Raises:
        ApiTokenError: The server cannot read a single one; they are not unknown for that.
    """
    found = find_tokens()
    for problem in found.problems:
        _warn(problem)
    if found.unreadable and not found.tokens:
        raise ApiTokenError(found.unreadable[0])
    return found.tokens


@cache
def _warn(problem: str) -> None:
    """Log a problem once: the API lists the tokens every few seconds."""
    logger.warning("%s", problem)


def find_tokens() -> FoundTokens:
    """Return the tokens, and what is wrong with blocks that are not usable."""
    tokens: list[ApiToken] = []
    damaged: list[str] = []
    found = _find({"like_": _PREFIX})
    for document in found.documents:
        if (document.name or "").startswith(_PREFIX):
            try:
                tokens.append(_read(document))
            except ApiTokenError as error:
                damaged.append(str(error))
    unreadable = found.name_unreadable("the Secret block of a token")
    return FoundTokens(sorted(tokens, key=lambda token: token.name), unreadable, damaged)


def save_token(token: ApiToken) -> None:
    """Keep a new token.

    Raises:
        UsageError: A token of this name exists.
    """
    found = _find({"any_": [_PREFIX + token.name]})
    if found.documents or found.unreadable:
        raise UsageError(f"there is a token {token.name} already; revoke it first, or choose another name")
    block: Secret[str] = Secret(value=msgspec.json.encode(token).decode())
    block.save(_PREFIX + token.name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    note_effect()


def delete_token(name: str) -> None:
    """Delete a token.

    Raises:
        UsageError: No token has this name.
        ApiTokenError: The server cannot read its Secret block, so that its id is not known.
    """
    found = _find({"any_": [_PREFIX + name]})
    if found.unreadable:
        raise ApiTokenError(f"nobody can use {name}; its Secret block {_PREFIX}{name} stays: {CANNOT_READ}")
    if not found.documents:
        raise UsageError(f"there is no token {name}; `drills api-token list` shows them")
    with get_client(sync_client=True) as client:
        client.request("DELETE", "/block_documents/{id}", path_params={"id": found.documents[0].id})
    note_effect()


def _find(name: Mapping[str, object]) -> FoundDocuments:
    return find_documents([Secret.get_block_type_slug()], {"name": name}, with_secrets=True)


def _read(document: BlockDocument) -> ApiToken:
    """Read the token of a Secret block.

    Raises:
        ApiTokenError: It holds no token, or one of another name: the evidence would name the wrong caller.
    """
    name = (document.name or "").removeprefix(_PREFIX)
    try:  # the server returns a value that looks like JSON as a JSON value
        value = document.data["value"]
        text = isinstance(value, str)
        token = msgspec.json.decode(value, type=ApiToken) if text else msgspec.convert(value, ApiToken)
        if token.expires_at:
            token.expires_at.astimezone(UTC)  # at the ends of the calendar this is no time
    except (msgspec.MsgspecError, LookupError, TypeError, OverflowError):
        token = None
    if token is None or token.name != name:
        what = "no token of the API" if token is None else f"the token {json.dumps(token.name)}"
        raise ApiTokenError(
            f"the Secret block {document.name} has {what}, so nobody can use {name}; run"
            f" `drills api-token revoke {name}`, and create the token again"
        )
    return token
