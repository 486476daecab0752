"""Reads a schedule and its history at once, where nothing in their JSON takes a closer look."""

from typing import Final

import msgspec

from rollback_drills.documents.duplicate_keys import has_as_many_commas
from rollback_drills.documents.history import History
from rollback_drills.documents.privacy.privacy_rules import may_hold_private
from rollback_drills.documents.schedule import Schedule


class WholeRecord(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A schedule, and the history that belongs to it if it has one."""

    schedule: Schedule
    history: History | None = None


_decode: Final = msgspec.json.Decoder(WholeRecord).decode


def read_whole(data: bytes) -> WholeRecord | None:
    """Read the JSON of a record whose documents stand in it; None if it takes a closer look.

    Nearly every record is plain: ASCII, with nothing private in it, and certainly no more than was read.
    """
    if not data.isascii() or may_hold_private(data):  # which finds escaped characters, too
        return None
    try:
        record = _decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return record if has_as_many_commas(record, data) else None


def join(schedule: bytes, history: bytes) -> bytes:
    """Write the JSON of a record from that of its documents.

    What is no JSON by itself is no record that can be read: what ends a document early, and begins another
    one, costs a comma more than the record has.
    """
    return b"".join((b'{"schedule":', schedule, b',"history":', history, b"}"))
