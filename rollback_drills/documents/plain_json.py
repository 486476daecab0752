"""JSON as plain values: where a document leaves the program, or is not ours."""

from collections.abc import Mapping
from typing import Any

import msgspec

PlainJson = dict[str, Any]
"""An object of JSON whose shape a caller has chosen, or that others keep, as Prefect does with results."""


def to_plain(document: object) -> PlainJson:
    """Return a document as the plain values that reading its JSON gives."""
    return msgspec.json.decode(msgspec.json.encode(document), type=PlainJson)


def keep_given(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that are given: those that are neither None nor empty."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
