"""Keeps the tokens of the HTTP API as Secret blocks, one block for each."""

import logging
from functools import cache
from typing import Any, Final

import msgspec
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client

from rollback_drills.api_token import ApiToken
from rollback_drills.documents.explaining import show
from rollback_drills.effects import note_effect
from rollback_drills.errors import DrillsError, UsageError

logger = logging.getLogger(__name__)

_PREFIX: Final = "rollback-drills-api-token-"
_MOST_IN_ONE_ANSWER: Final = 200


class ApiTokenError(DrillsError):
    """The Secret block of a token is damaged; the message names it."""


def list_tokens() -> list[ApiToken]:
    """Return every token that can be used, by name; the log names those that cannot."""
    tokens, damaged = find_tokens()
    for problem in damaged:
        _warn(problem)
    return tokens


@cache
def _warn(problem: str) -> None:
    """Log a problem once: the API lists the tokens every few seconds."""
    logger.warning("%s", problem)


def find_tokens() -> tuple[list[ApiToken], list[str]]:
    """Return the tokens by name, and a line for each Secret block that is damaged: it lets nobody in."""
    tokens: list[ApiToken] = []
    damaged: list[str] = []
    for offset in range(0, 10**6, _MOST_IN_ONE_ANSWER):
        page = _find(offset=offset, block_documents={"name": {"like_": _PREFIX}})
        for each in page:
            if each["name"].startswith(_PREFIX):
                try:
                    tokens.append(_read(each))
                except ApiTokenError as error:
                    damaged.append(str(error))
        if len(page) < _MOST_IN_ONE_ANSWER:
            break
    return sorted(tokens, key=lambda token: token.name), sorted(damaged)


def save_token(token: ApiToken) -> None:
    """Keep a new token.

    Raises:
        UsageError: There is one of this name.
    """
    if _find(block_documents={"name": {"any_": [_PREFIX + token.name]}}):
        raise UsageError(f"there is a token {token.name} already; revoke it first, or choose another name")
    block: Secret[str] = Secret(value=msgspec.json.encode(token).decode())
    block.save(_PREFIX + token.name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    note_effect()


def delete_token(name: str) -> None:
    """Forget a token.

    Raises:
        UsageError: There is none of this name.
    """
    found = _find(block_documents={"name": {"any_": [_PREFIX + name]}})
    if not found:
        raise UsageError(f"there is no token {name}; `drills api-token list` shows them")
    with get_client(sync_client=True) as client:
        client.request("DELETE", "/block_documents/{id}", path_params={"id": found[0]["id"]})


def _find(*, offset: int = 0, **conditions: Any) -> list[dict[str, Any]]:
    with get_client(sync_client=True) as client:
        found: list[dict[str, Any]] = client.request(
            "POST",
            "/block_documents/filter",
            json={
                **conditions,
                "block_types": {"slug": {"any_": [Secret.get_block_type_slug()]}},
                "include_secrets": True,
                "limit": _MOST_IN_ONE_ANSWER,
                "offset": offset,
            },
        ).json()
    return found


def _read(document: dict[str, Any]) -> ApiToken:
    """Read the token of a Secret block.

    Raises:
        ApiTokenError: It holds no token, or one of another name: the evidence would name the wrong caller.
    """
    name = document["name"].removeprefix(_PREFIX)
    try:  # the API gives a value that looks like JSON as what it is
        value = document["data"]["value"]
        text = isinstance(value, str)
        token = msgspec.json.decode(value, type=ApiToken) if text else msgspec.convert(value, ApiToken)
    except (msgspec.MsgspecError, LookupError, TypeError):
        token = None
    if token is None or token.name != name:
        what = "no token of the API" if token is None else f"the token {show(token.name)}"
        raise ApiTokenError(
            f"the Secret block {document['name']} holds {what}, so {name} lets nobody in; run"
            f" `drills api-token revoke {name}`, and create the token again"
        )
    return token
