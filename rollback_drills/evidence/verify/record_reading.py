"""Reads records that nobody vouches for: whatever stands there is a record, or none."""

from typing import Any

import msgspec


def read_record(content: bytes) -> dict[str, Any] | None:
    """Return the record that a leaf holds, or None if it holds none."""
    try:
        record = msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
