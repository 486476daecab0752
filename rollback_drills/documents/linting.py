"""Finds texts in a document that may not be published; fast where there are none."""

from collections.abc import Iterator
from typing import Any

import msgspec

from rollback_drills.documents.fields import Document
from rollback_drills.documents.privacy import PrivateKind, find_private, may_hold_private


def is_public(document: Document, data: bytes) -> bool:
    """Whether every text and key of a document, and of the JSON it was read from, may be published."""
    return not may_hold_private(data) or not any(find_private_texts(msgspec.to_builtins(document)))


def find_private_texts(
    value: Any, loc: tuple[int | str, ...] = ()
) -> Iterator[tuple[tuple[int | str, ...], PrivateKind]]:
    """Give the place and kind of every text and key in parsed JSON that may not be published."""
    if isinstance(value, str):
        if kind := find_private(value):
            yield loc, kind
    elif isinstance(value, dict):
        for key, inner in value.items():
            if kind := find_private(key):
                yield (*loc, key), kind
            yield from find_private_texts(inner, (*loc, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from find_private_texts(inner, (*loc, index))
