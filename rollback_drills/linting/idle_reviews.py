"""Finds reviews of values that a document does not have, or no longer."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from rollback_drills.documents.quotation import json_path

_REVIEWS: Final = "reviewed_values"


def find_idle_reviews(raw: Any) -> Iterator[str]:
    """Yield path and remedy of every review whose digest is that of no text of the document.

    Args:
        raw: The document, as JSON is parsed.
    """
    reviews = raw.get(_REVIEWS) if isinstance(raw, dict) else None
    if not isinstance(reviews, list):
        return
    texts = _find_texts({key: value for key, value in raw.items() if key != _REVIEWS})
    digests = {sha256(text.encode(errors="surrogatepass")).hexdigest() for text in texts}
    for index, review in enumerate(reviews):
        if isinstance(review, dict) and review.get("sha256", "") not in digests:
            place = json_path((_REVIEWS, index, "sha256"))
            yield f"{place} is the digest of no text of this document; correct or remove it"


def _find_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _find_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_texts(inner)
