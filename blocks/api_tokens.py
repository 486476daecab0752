"""Keeps the tokens of the HTTP API as Secret blocks, one block for each."""

from typing import Any, Final

import msgspec
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client

from rollback_drills.api_token import ApiToken
from rollback_drills.effects import note_effect
from rollback_drills.errors import DrillsError, UsageError

_PREFIX: Final = "rollback-drills-api-token-"
_MOST_IN_ONE_ANSWER: Final = 200


class ApiTokenError(DrillsError):
    """A token that is kept cannot be read; the message names its block."""


def list_tokens() -> list[ApiToken]:
    """Give every token that is kept, by name.

    Raises:
        ApiTokenError: The Secret block of one is damaged.
    """
    tokens = []
    for offset in range(0, 10**6, _MOST_IN_ONE_ANSWER):
        page = _find(offset=offset, block_documents={"name": {"like_": _PREFIX}})
        tokens += [_read(each) for each in page if each["name"].startswith(_PREFIX)]
        if len(page) < _MOST_IN_ONE_ANSWER:
            break
    return sorted(tokens, key=lambda token: token.name)


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
    value = document["data"].get("value")
    try:  # the API gives a value that looks like JSON as what it is
        if isinstance(value, str):
            return msgspec.json.decode(value, type=ApiToken)
        return msgspec.convert(value, ApiToken)
    except msgspec.MsgspecError:
        raise ApiTokenError(
            f"the Secret block {document['name']} holds no token of the API; delete it, and make a new token"
        ) from None
