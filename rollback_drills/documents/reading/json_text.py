"""The text of a JSON document: what it says, or where it is broken and how to fix it."""

import json
from collections.abc import Iterator
from typing import Any, Final

from rollback_drills.documents.duplicate_keys import START, Origin, find_repeats, parse_json
from rollback_drills.documents.reading.mistake import Mistake
from rollback_drills.documents.unusable_document import UnusableDocumentError

TOO_DEEP: Final = "is nested too deeply to be a document of this kind"


def decode(data: bytes) -> str:
    """Return the text of a document.

    Raises:
        UnusableDocumentError: It is empty, or no UTF-8.
    """
    if not data.strip():
        raise UnusableDocumentError("is empty; a JSON object is needed")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnusableDocumentError(f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def parse(text: str, origin: Origin) -> tuple[Any, bool]:
    """Parse JSON, and return whether a key stands twice in one of its objects.

    Raises:
        UnusableDocumentError: The text is no JSON.
    """
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        from rollback_drills.documents.reading.json_faults import (
            explain_json_fault,  # nearly every document is JSON
        )

        explained = explain_json_fault(text, error, lambda at: origin.locate(text, at))
        raise UnusableDocumentError(explained) from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise UnusableDocumentError("holds a number with thousands of digits; shorten it") from None


def explain_repeats(text: str, origin: Origin = START) -> Iterator[Mistake]:
    """Explain for each key that stands twice in one object of a JSON text where it stands."""
    for loc, first_at, again_at in find_repeats(text):
        first, again = origin.locate(text, first_at), origin.locate(text, again_at)
        yield Mistake(loc, f"is there twice, at {first} and {again}; remove one of them")
