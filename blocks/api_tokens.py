"""Keeps the tokens of the HTTP API as Secret blocks, one block for each."""

import json
import logging
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import msgspec
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument

from blocks.block_documents import find_documents
from rollback_drills.access.api_token import ApiToken
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.errors.effects import note_effect

logger = logging.getLogger(__name__)

_PREFIX: Final = "rollback-drills-api-token-"


class ApiTokenError(DrillsError):
    """The Secret block of a token is damaged; the message names it."""


def list_tokens() -> list[ApiToken]:
    """Return the usable tokens by name; the log names those that are damaged."""
    tokens, damaged = find_tokens()
    for problem in damaged:
        _warn(problem)
    return tokens


@cache
def _warn(problem: str) -> None:
    """Log a problem once: the API lists the tokens every few seconds."""
    logger.warning("%s", problem)


def find_tokens() -> tuple[list[ApiToken], list[str]]:
    """Return the tokens by name, and a message for each damaged Secret block."""
    tokens: list[ApiToken] = []
    damaged: list[str] = []
    for document in _find({"like_": _PREFIX}):
        if (document.name or "").startswith(_PREFIX):
            try:
                tokens.append(_read(document))
            except ApiTokenError as error:
                damaged.append(str(error))
    return sorted(tokens, key=lambda token: token.name), sorted(damaged)


def save_token(token: ApiToken) -> None:
    """Keep a new token.

    Raises:
        UsageError: A token of this name exists.
    """
    if any(_find({"any_": [_PREFIX + token.name]})):
        raise UsageError(f"there is a token {token.name} already; revoke it first, or choose another name")
    block: Secret[str] = Secret(value=msgspec.json.encode(token).decode())
    block.save(_PREFIX + token.name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    note_effect()


def delete_token(name: str) -> None:
    """Delete a token.

    Raises:
        UsageError: No token has this name.
    """
    found = next(_find({"any_": [_PREFIX + name]}), None)
    if found is None:
        raise UsageError(f"there is no token {name}; `drills api-token list` shows them")
    with get_client(sync_client=True) as client:
        client.request("DELETE", "/block_documents/{id}", path_params={"id": found.id})


def _find(name: Mapping[str, object]) -> Iterator[BlockDocument]:
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
    except (msgspec.MsgspecError, LookupError, TypeError):
        token = None
    if token is None or token.name != name:
        what = "no token of the API" if token is None else f"the token {json.dumps(token.name)}"
        raise ApiTokenError(
            f"the Secret block {document.name} has {what}, so nobody can use {name}; run"
            f" `drills api-token revoke {name}`, and create the token again"
        )
    return token
