"""The careful reading: takes the other spellings of a timestamp, and says what is wrong with a document."""

from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from rollback_drills.documents.duplicate_keys import START, Location, Origin
from rollback_drills.documents.fields import Document
from rollback_drills.documents.odd_names import find_odd_names
from rollback_drills.documents.privacy.private_texts import find_private_texts
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.reading.json_text import TOO_DEEP, decode, explain_repeats, parse
from rollback_drills.documents.reading.mismatches import explain_mismatch, explain_unknown
from rollback_drills.documents.reading.mistake import Mistake
from rollback_drills.documents.reading.plain_forms import HALF_PAIR, rewrite
from rollback_drills.documents.reading.shapes import is_known, is_unknown_key
from rollback_drills.documents.unusable_document import UnusableDocumentError

_MOST_PROBLEMS_SHOWN: Final = 5

D = TypeVar("D", bound=Document)


class Parsed(NamedTuple):
    """A document as it was parsed, with timestamps in one form and without absent keys."""

    raw: Any
    mistakes: list[Mistake]
    without_offset: list[Location]
    unreadable: list[Location]
    """Where a timestamp should be, and the value is something else."""


def read_carefully(model: type[D], data: bytes, origin: Origin = START) -> tuple[D, tuple[str, ...]]:
    """Read a document whose timestamps may be written in any way of ISO 8601.

    A key with null, or with the zero time of Go, counts as absent.

    Args:
        model: What the document is to be.
        data: Its bytes.
        origin: Where in its file it begins, for messages.

    Returns:
        The document, and the JSON paths of the timestamps without an offset.

    Raises:
        UnusableDocumentError: Says what is wrong, where, and how to fix it.
    """
    try:
        return _read(model, data, origin)
    except RecursionError:
        raise UnusableDocumentError(TOO_DEEP) from None


def _read(model: type[D], data: bytes, origin: Origin) -> tuple[D, tuple[str, ...]]:
    parsed = parse_carefully(model, data, origin)
    if parsed.mistakes:
        raise UnusableDocumentError("; ".join(map(str, parsed.mistakes[:_MOST_PROBLEMS_SHOWN])))
    try:
        return msgspec.convert(parsed.raw, model), tuple(map(json_path, parsed.without_offset))
    except msgspec.ValidationError as error:
        from rollback_drills.documents.reading.other_kinds import explain_other_kind

        other = explain_other_kind(model, parsed.raw)
        raise UnusableDocumentError(other or str(explain_mismatch(model, parsed.raw, error))) from None


def parse_carefully(model: type[Document], data: bytes, origin: Origin = START) -> Parsed:
    """Parse a document, and find what is wrong with it whatever the model says of its values.

    Args:
        model: What the document is to be.
        data: Its bytes.
        origin: Where in its file it begins, for messages.

    Raises:
        UnusableDocumentError: It is no JSON; says where, and how to fix it.
        RecursionError: It is nested too deeply.
    """
    text = decode(data)
    parsed, has_repeats = parse(text, origin)
    found = rewrite(parsed)
    private = dict(find_private_texts(parsed))
    mistakes = [
        *(explain_repeats(text, origin) if has_repeats else ()),
        *found.mistakes,
        *(_explain_timestamp(model, loc, value) for loc, value in found.no_timestamps),
        *(
            Mistake(loc, f"holds {kind}, which a published document must not name; leave it out")
            for loc, kind in private.items()
        ),
        *(explain_unknown(model, loc) for loc in found.absent if is_unknown_key(model, loc)),
    ]
    odd = [Mistake(loc, what) for loc, what in find_odd_names(found.raw) if loc not in private]
    mistakes += [each for each in odd if Mistake(each.loc, HALF_PAIR) not in mistakes]
    return Parsed(found.raw, mistakes, found.without_offset, [loc for loc, _ in found.no_timestamps])


def _explain_timestamp(model: type[Document], loc: Location, value: str) -> Mistake:
    if not is_known(model, loc):
        return explain_unknown(model, loc)
    demand = "must be an ISO 8601 timestamp in the years 1 to 9999, such as 2026-06-20T15:40:00Z"
    return Mistake(loc, f"is {show(value)}; {demand}")
