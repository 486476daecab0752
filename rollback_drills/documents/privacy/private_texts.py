"""Finds texts in a document that may not be published; fast where there are none."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.fields import Document
from rollback_drills.documents.odd_names import find_odd_names
from rollback_drills.documents.privacy.privacy_rules import PrivateKind, find_private, may_hold_private


def is_public(document: Document, data: bytes) -> bool:
    """Whether every text and key of a document, and of the JSON it was read from, may be published.

    People must be able to read its names, too. In ASCII `may_hold_private` finds those they cannot.
    """
    is_suspicious = may_hold_private(data)
    if not is_suspicious and data.isascii():
        return True
    plain = msgspec.to_builtins(document)
    return not any(find_odd_names(plain)) and not (is_suspicious and any(find_private_texts(plain)))


def find_private_texts(raw: Any) -> Iterator[tuple[Location, PrivateKind]]:
    """Return the place and kind of every text and key in parsed JSON that may not be published.

    Texts that the document lists under `reviewed_values` may be; control characters never.
    """
    yield from _find(raw, (), _read_reviewed(raw))


def _find(value: Any, loc: Location, reviewed: frozenset[str]) -> Iterator[tuple[Location, PrivateKind]]:
    if isinstance(value, str):
        if kind := _refuse(value, reviewed):
            yield loc, kind
    elif isinstance(value, dict):
        for key, inner in value.items():
            if kind := _refuse(key, reviewed):
                yield (*loc, key), kind
            yield from _find(inner, (*loc, key), reviewed)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _find(inner, (*loc, index), reviewed)


def _refuse(text: str, reviewed: frozenset[str]) -> PrivateKind | None:
    kind = find_private(text)
    if kind is None or kind is PrivateKind.CONTROL or not reviewed:
        return kind
    return None if sha256(text.encode(errors="surrogatepass")).hexdigest() in reviewed else kind


def _read_reviewed(raw: Any) -> frozenset[str]:
    listed = raw.get("reviewed_values") if isinstance(raw, dict) else None
    entries = listed if isinstance(listed, list | tuple) else ()
    digests = (entry.get("sha256") for entry in entries if isinstance(entry, dict))
    return frozenset(digest for digest in digests if isinstance(digest, str))
