"""What every document is made of."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

LONGEST_INTERVAL_DAYS: Final = 36_525  # one hundred years: anything longer is a slip of the keyboard

Timestamp = Annotated[datetime, Meta(tz=True)]
"""An instant. The reader puts timestamps that are written in another way than RFC 3339 into it."""

Days = Annotated[float, Meta(ge=-LONGEST_INTERVAL_DAYS, le=LONGEST_INTERVAL_DAYS)]
"""A number of days; zero and negative ones are judged, not refused."""

Minutes = Annotated[float, Meta(ge=0, le=60 * 24 * LONGEST_INTERVAL_DAYS)]
"""A number of minutes, zero or more."""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A value that is read strictly: unknown keys, wrong types and non-finite numbers are errors.

    Absent keys take the default of the field. Nothing in a document refers back to it, so the
    garbage collector need not look at it (`gc=False`).
    """


def fold_alias(document: Document, alias: str, field: str, absent: Any) -> None:
    """Move a value that was written under another spelling to its field.

    Raises:
        ValueError: Both spellings were written.
    """
    value = getattr(document, alias)
    if value is UNSET:
        return
    if getattr(document, field) != absent:
        raise ValueError(f"{alias} says the same as {field}; keep one of them")
    msgspec.structs.force_setattr(document, field, value)
    msgspec.structs.force_setattr(document, alias, UNSET)


__all__ = ["UNSET", "Days", "Document", "Minutes", "Timestamp", "UnsetType", "fold_alias"]
