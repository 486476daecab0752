"""What the result of a tool says about a drill, and how its JSON is read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from rollback_drills.documents.duplicate_keys import START
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading import json_text
from rollback_drills.documents.reading.mismatches import explain_mismatch
from rollback_drills.documents.reading.reader import BOM
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.documents.utc import write_instant

M = TypeVar("M", bound=msgspec.Struct)


class Outcome(StrEnum):
    """How a drill ended."""

    PASSED = "pass"
    FAILED = "fail"


class UnusableResultError(ValueError):
    """A result that cannot be used; the message has the JSON path, the value and the remedy."""


class VendorResult(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the result of a tool says about a drill; what it does not say is left to the caller."""

    drill_id: str
    executed_at: str
    """When it began; empty if the result does not say."""
    status: str
    """`pass` or `fail`; empty if it ended in neither way."""
    status_problem: str = ""
    """Place and value of a status that is no outcome; empty if there is an outcome."""
    evidence_ref: str
    actor: str = ""
    recovery_minutes: float | None = None

    def to_fields(self) -> dict[str, object]:
        """Return the fields of a drill as the history has them; those that are not said are empty."""
        return {
            "drill_id": self.drill_id,
            "executed_at": self.executed_at,
            "status": self.status,
            "evidence_refs": [self.evidence_ref],
            "actor": self.actor,
            "recovery_minutes": self.recovery_minutes,
        }


def decode(model: type[M], data: bytes) -> M:
    """Read the JSON of a result; keys that are not needed may hold anything.

    Raises:
        UnusableResultError: It is no JSON, a key stands twice, or a field is missing or has another type.
    """
    raw = _parse(data)
    try:
        return msgspec.convert(raw, model)
    except msgspec.ValidationError as error:
        problem = str(explain_mismatch(model, raw, error))
        raise UnusableResultError(problem.removesuffix("; it is needed")) from None


def _parse(data: bytes) -> Any:
    try:
        text = json_text.decode(data.removeprefix(BOM))
        raw, has_repeats = json_text.parse(text, START)
    except UnusableDocumentError as error:
        raise UnusableResultError(str(error)) from None
    except RecursionError:
        raise UnusableResultError(json_text.TOO_DEEP) from None
    if has_repeats:
        raise UnusableResultError(str(next(json_text.explain_repeats(text))))
    return raw


def read_time(path: str, value: str | float | None) -> datetime | None:
    """Read a time: a text of ISO 8601, or seconds since 1970 in UTC; None if there is none.

    Raises:
        UnusableResultError: It is no time in the years 1 to 9999.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return read_instant(value)[0].astimezone(UTC)
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        shown = show(value) if isinstance(value, str) else value
        raise UnusableResultError(f"{path} is {shown}; must be a time") from None


def write_time(at: datetime | None) -> str:
    """Write a time as documents have it; empty if there is none."""
    return write_instant(at) if at else ""


def find_minutes(start: datetime | None, end: datetime | None) -> float | None:
    """Return how long something took; None if that is not known."""
    if start is None or end is None or end < start:
        return None
    return round((end - start).total_seconds() / 60, 2)


def find_outcome(path: str, word: str, outcomes: Mapping[str, Outcome]) -> tuple[str, str]:
    """Return the outcome that a word of the tool stands for; if it stands for none, what is wrong with it."""
    if outcome := outcomes.get(word):
        return outcome, ""
    return "", f"{path} is {show(word)}, which is no outcome of a drill"
