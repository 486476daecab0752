"""What every document is made of."""

from datetime import datetime
from typing import Annotated, Any, Final, overload

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rollback_drills.documents.odd_names import shows_something
from rollback_drills.documents.utc import check_in_utc

LONGEST_INTERVAL_DAYS: Final = 36_525  # one hundred years: anything longer is a slip of the keyboard

LONGEST_NAME: Final = 200
"""Characters of a name; databases have no room for more."""

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
"""The name of an owner, a provider or a schedule."""

NameOrNone = Annotated[str, Meta(max_length=LONGEST_NAME)]
"""A name; empty for none."""

Timestamp = Annotated[datetime, Meta(tz=True)]
"""An instant. The reader puts timestamps that are written in another way than RFC 3339 into it."""

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""A SHA-256 digest; capitals are refused, because one digest must not have two spellings."""

Days = Annotated[float, Meta(ge=-LONGEST_INTERVAL_DAYS, le=LONGEST_INTERVAL_DAYS)]
"""A number of days; zero and negative ones are judged, not refused."""

Minutes = Annotated[float, Meta(ge=0, le=60 * 24 * LONGEST_INTERVAL_DAYS)]
"""A number of minutes, zero or more."""


@overload
def tidy(number: float) -> float | int: ...
@overload
def tidy(number: None) -> None: ...
@overload
def tidy(number: float | None) -> float | int | None: ...
def tidy(number: float | None) -> float | int | None:
    """Write a whole number without its fraction, as the documents do."""
    return int(number) if number is not None and float(number).is_integer() else number


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """A value that is read strictly: unknown keys, wrong types and non-finite numbers are errors.

    Absent keys take the default of the field, and are written as absent. Nothing in a document refers
    back to it, so the garbage collector need not look at it (`gc=False`).
    """


class ReviewedValue(Document, frozen=True, gc=False):
    """A text of the document that looks private, and that somebody checked: it may be published."""

    sha256: Sha256
    """Digest of the text, so that the review does not repeat it."""
    reviewed_by: Name
    """Who checked the text."""
    reviewed_at: Timestamp
    """When it was checked; an ISO 8601 timestamp."""
    reason: Name
    """Why it may be published."""

    def __post_init__(self) -> None:
        """Ensure that the date can be written in UTC, and that people see who checked the text, and why."""
        check_in_utc(reviewed_at=self.reviewed_at)
        for key, text in (("reviewed_by", self.reviewed_by), ("reason", self.reason)):
            if not shows_something(text):
                raise ValueError(f"{key} is blank; write something that people can read")


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


__all__ = [
    "UNSET",
    "Days",
    "Document",
    "Minutes",
    "Name",
    "NameOrNone",
    "ReviewedValue",
    "Sha256",
    "Timestamp",
    "UnsetType",
    "fold_alias",
    "tidy",
]
