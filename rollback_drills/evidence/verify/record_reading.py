"""Reads records that nobody vouches for: whatever stands there is a record, or none."""

import msgspec

from rollback_drills.readiness.terms import Report


def read_record(content: bytes) -> Report | None:
    """Return the record that a leaf holds, or None if it holds none."""
    try:
        record = msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
