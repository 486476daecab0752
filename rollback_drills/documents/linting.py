"""Finds texts in a document that may not be published; fast where there are none."""

from collections.abc import Iterator
from typing import Any

import msgspec

from rollback_drills.documents.fields import Document
from rollback_drills.documents.odd_names import find_odd_names
from rollback_drills.documents.privacy import PrivateKind, find_private, may_hold_private


def is_public(document: Document, data: bytes) -> bool:
    """Whether every text and key of a document, and of the JSON it was read from, may be published.

    People must be able to read its names, too. In ASCII `may_hold_private` finds those they cannot.
    """
    is_suspicious = may_hold_private(data)
    if not is_suspicious and data.isascii():
        return True
    plain = msgspec.to_builtins(document)
    return not any(find_odd_names(plain)) and not (is_suspicious and any(find_private_texts(plain)))


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
