"""A record of any kind as it was written: for those who pass it on, or who trust nothing in it."""

from collections.abc import Mapping

import msgspec

WrittenRecord = Mapping[str, object]
"""The record of any row. Who needs its fields decodes the kind that he knows."""


def text_of(record: WrittenRecord, name: str) -> str:
    """Return a text of a record; empty if it has none of this name."""
    value = record.get(name)
    return value if isinstance(value, str) else ""


def number_of(record: WrittenRecord, name: str) -> float | int | None:
    """Return a number of a record; None if it has none of this name."""
    value = record.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def object_of(record: WrittenRecord, name: str) -> WrittenRecord:
    """Return an object in a record; empty if it has none of this name."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def read_untrusted(content: bytes) -> WrittenRecord | None:
    """Return the record that a leaf holds, or None if it holds none."""
    try:
        record = msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
