"""The headers that somebody configures for a webhook, and which of them cannot be sent beside each other."""

import json
import re
from collections.abc import Iterable
from typing import Final

from blocks.connector import ConnectorError

_NAME: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110, 5.6.2
_OF_REQUEST: Final = frozenset({"idempotency-key", "webhook-id", "webhook-timestamp"})
_OF_MESSAGE: Final = frozenset({"accept", "content-type", "host", "user-agent"})
SIGNATURE: Final = "webhook-signature"


class _Pairs(list[tuple[str, object]]):
    """The keys and values of a JSON object, also those that stand twice."""


def read_headers(text: str) -> dict[str, str]:
    """Read a JSON object of headers; their names in small letters.

    Raises:
        ConnectorError: It is none, or a header cannot be sent; the message has no value.
    """
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, _Pairs):
        raise ConnectorError("the headers of the webhook must be a JSON object of texts")
    headers: dict[str, str] = {}
    for name, value in pairs:
        if not isinstance(value, str):
            raise ConnectorError("the headers of the webhook must be a JSON object of texts")
        if not _NAME.fullmatch(name):
            raise ConnectorError("a header of the webhook has an impossible name")
        if name.lower() in headers:
            raise ConnectorError(f"the header {name.lower()} of the webhook is there twice; keep one of them")
        headers[name.lower()] = value.strip()
    return headers


def find_conflict(further: Iterable[str], *, has_credential: bool, key_header: str, is_signed: bool) -> str:
    """Return which secret would not arrive, because its header has another value; empty if all do.

    Args:
        further: The names of the further headers.
        has_credential: Whether there is one for the header `authorization`.
        key_header: The header of the API key; empty without one.
        is_signed: Whether every request is signed.
    """
    named = set(further)
    if has_credential and "authorization" in named:
        return "the header authorization is among the further headers too; keep one of them"
    key = key_header.lower()
    if key in _OF_REQUEST | _OF_MESSAGE or (key == SIGNATURE and is_signed):
        return f"every request has a header {key} of its own; choose another one for the api key"
    if key in named or (has_credential and key == "authorization"):
        return f"the header {key} of the api key has another value too; keep one of them"
    return ""
