"""JSON as plain values: where a document leaves the program, or is not ours."""

from typing import Any

import msgspec

JsonObject = dict[str, Any]
"""An object of JSON: what a caller wrote, or what others keep, as Prefect does with the result of a run."""


def to_plain(document: object) -> JsonObject:
    """Return a document as the plain values that reading its JSON gives."""
    return msgspec.json.decode(msgspec.json.encode(document), type=JsonObject)
