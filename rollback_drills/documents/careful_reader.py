"""The careful reading: takes the other spellings of a timestamp, and says what is wrong with a document."""

import json
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from math import isfinite
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from rollback_drills.documents.duplicate_keys import START, Location, Origin, find_repeats, parse_json
from rollback_drills.documents.fields import Document
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.mismatches import explain_mismatch, explain_unknown
from rollback_drills.documents.odd_names import find_odd_names
from rollback_drills.documents.privacy.private_texts import find_private_texts
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.shapes import is_known, is_unknown_key
from rollback_drills.documents.utc import ZERO_TIME
from rollback_drills.errors import DrillsError

_MOST_PROBLEMS_SHOWN: Final = 5
_MOST_MISTAKES: Final = 100
_ITEM: Final = re.compile(r"(?:\[\d+\])+$")
_OF_ONE_KEY: Final = re.compile(r"; must be |is missing; it is needed$|is an unknown key;")
"""In a mistake that has nothing to do with other keys."""
_TOO_DEEP: Final = "is nested too deeply to be a document of this kind"

D = TypeVar("D", bound=Document)


class UnusableDocumentError(DrillsError):
    """A document that cannot be read; the message says what is wrong with it, where, and how to fix it."""


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
        raise UnusableDocumentError(_TOO_DEEP) from None


def examine(model: type[D], data: bytes) -> tuple[list[str], D | None]:
    """Return every mistake in a document, with place and remedy, and what can be read in spite of them.

    Args:
        model: What the document is to be.
        data: Its bytes.
    """
    try:
        looked = _look(model, data, START)
        for loc in looked.unreadable:
            _leave_out(looked.raw, _find_key(loc))
        return _convert_what_can_be(model, looked)
    except UnusableDocumentError as error:
        return [str(error)], None
    except RecursionError:
        return [_TOO_DEEP], None


def _convert_what_can_be(model: type[D], looked: "_Looked") -> tuple[list[str], D | None]:
    """Convert a document, without each key whose value the model refuses."""
    mistakes = list(looked.problems)
    left_out = set(looked.unreadable)
    while len(mistakes) < _MOST_MISTAKES:
        try:
            return mistakes, msgspec.convert(looked.raw, model)
        except msgspec.ValidationError as error:
            loc, mistake = explain_mismatch(model, looked.raw, str(error))
        key = _find_key(loc)
        is_named = any(is_about(each, find_place(mistake)) for each in mistakes)
        if not (is_named or key in left_out or _is_consequence(mistake, left_out)):
            mistakes.append(mistake)
        if not _leave_out(looked.raw, key):
            break
        if is_known(model, key):
            left_out.add(key)
    return mistakes, None


def _is_consequence(mistake: str, left_out: AbstractSet[Location]) -> bool:
    """Return whether a check misses a key that was left out because of another mistake."""
    what = mistake.partition(" ")[2]
    if _OF_ONE_KEY.search(what):
        return False
    return not {part for loc in left_out for part in loc}.isdisjoint(re.findall(r"\w+", what))


def find_place(mistake: str) -> str:
    """Return the path that a mistake is about; for an item of a list, the path of the list."""
    return _ITEM.sub("", mistake.partition(" ")[0])


def is_about(mistake: str, place: str) -> bool:
    """Return whether a mistake is about a place, or about a misspelling of its last key."""
    there = find_place(mistake)
    parent, _, key = place.rpartition(".")
    return there == place or (there.rpartition(".")[0] == parent and f"did you mean {key!r}?" in mistake)


class _Looked(NamedTuple):
    """A document as it was parsed, with timestamps in one form and without absent keys."""

    raw: Any
    problems: list[str]
    without_offset: list[str]
    unreadable: list[Location]
    """Where a timestamp should be, and the value is something else."""


def _find_key(loc: Location) -> Location:
    """Return the place of a key; for an item of a list, that of the whole list."""
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    return loc


def _leave_out(value: Any, loc: Location) -> bool:
    """Leave out the key at a place."""
    for part in loc[:-1]:
        value = value[part]
    if not (loc and loc[-1] in value):
        return False
    del value[loc[-1]]
    return True


def _read(model: type[D], data: bytes, origin: Origin) -> tuple[D, tuple[str, ...]]:
    looked = _look(model, data, origin)
    if looked.problems:
        raise UnusableDocumentError("; ".join(looked.problems[:_MOST_PROBLEMS_SHOWN]))
    try:
        return msgspec.convert(looked.raw, model), tuple(looked.without_offset)
    except msgspec.ValidationError as error:
        from rollback_drills.documents.other_kinds import explain_other_kind

        other = explain_other_kind(model, looked.raw)
        raise UnusableDocumentError(other or explain_mismatch(model, looked.raw, str(error))[1]) from None


def _look(model: type[Document], data: bytes, origin: Origin) -> _Looked:
    text = decode(data)
    parsed, has_repeats = _parse(text, origin)
    found = _Found([], [], [], [])
    raw = _tidy(parsed, (), found)
    private = dict(find_private_texts(parsed))
    problems = [
        *(explain_repeats(text, origin) if has_repeats else ()),
        *found.problems,
        *(_explain_timestamp(model, loc, value) for loc, value in found.no_timestamps),
        *(
            f"{json_path(loc)} holds {kind}, which a published document must not name; leave it out"
            for loc, kind in private.items()
        ),
        *(explain_unknown(model, loc) for loc in found.absent if is_unknown_key(model, loc)),
    ]
    problems += [
        f"{json_path(loc)} {what}"
        for loc, what in find_odd_names(raw)
        if loc not in private and f"{json_path(loc)} {_HALF_PAIR}" not in problems
    ]
    return _Looked(raw, problems, found.without_offset, [loc for loc, _ in found.no_timestamps])


def decode(data: bytes) -> str:
    """Return the text of a document.

    Raises:
        UnusableDocumentError: It is empty, or no UTF-8.
    """
    if not data.strip():
        raise UnusableDocumentError("is empty; a JSON object is needed")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnusableDocumentError(f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _parse(text: str, origin: Origin) -> tuple[Any, bool]:
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        from rollback_drills.documents.json_faults import explain_json_fault  # nearly every document is JSON

        place = origin.locate(text, error.pos)
        raise UnusableDocumentError(explain_json_fault(text, error, place)) from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise UnusableDocumentError("holds a number with thousands of digits; shorten it") from None


def explain_repeats(text: str, origin: Origin = START) -> Iterator[str]:
    """Explain for each key that stands twice in one object of a JSON text where it stands."""
    for loc, first_at, again_at in find_repeats(text):
        first, again = origin.locate(text, first_at), origin.locate(text, again_at)
        yield f"{json_path(loc)} is there twice, at {first} and {again}; remove one of them"


class _Found(NamedTuple):
    """What is found in a document besides its values."""

    problems: list[str]
    without_offset: list[str]
    """The JSON paths of timestamps without an offset."""
    absent: list[Location]
    """Keys whose value says that there is none."""
    no_timestamps: list[tuple[Location, str]]
    """Texts that should be timestamps by the names of their keys."""


_ABSENT: Final = object()
_TIMES: Final = ("until",)
"""Keys of timestamps whose names do not end with `_at`, as those of all others do."""


def _tidy(value: Any, loc: Location, found: _Found) -> Any:
    """Rewrite every timestamp in the one form that the models read, and leave out keys without a value."""
    if isinstance(value, dict):
        found.problems.extend(
            f"{json_path((*loc, key))} {_HALF_PAIR}" for key in value if not _is_unicode(key)
        )
        members = {key: _tidy_member(each, (*loc, key), found) for key, each in value.items()}
        return {key: each for key, each in members.items() if each is not _ABSENT}
    if isinstance(value, list):
        return [_tidy(each, (*loc, index), found) for index, each in enumerate(value)]
    if isinstance(value, float | int) and not _is_finite(value):
        found.problems.append(f"{json_path(loc)} is {show(value)}; must be a finite number")
    if isinstance(value, str) and not _is_unicode(value):
        found.problems.append(f"{json_path(loc)} {_HALF_PAIR}")
    return value


def _tidy_member(value: Any, loc: Location, found: _Found) -> Any:
    if isinstance(value, str) and (loc[-1] in _TIMES or str(loc[-1]).endswith("_at")):
        value = _tidy_timestamp(value, loc, found)
    if value is None or value is _ABSENT:
        found.absent.append(loc)
        return _ABSENT
    return _tidy(value, loc, found)


def _tidy_timestamp(value: str, loc: Location, found: _Found) -> Any:
    try:
        instant, has_offset = read_instant(value)
    except ValueError:
        found.no_timestamps.append((loc, value))
        return value
    if instant == ZERO_TIME:
        return _ABSENT
    if not has_offset:
        found.without_offset.append(json_path(loc))
    return instant.isoformat()


def _explain_timestamp(model: type[Document], loc: Location, value: str) -> str:
    if not is_known(model, loc):
        return explain_unknown(model, loc)
    demand = "must be an ISO 8601 timestamp in the years 1 to 9999, such as 2026-06-20T15:40:00Z"
    return f"{json_path(loc)} is {show(value)}; {demand}"


_HALF_PAIR: Final = "holds half of a surrogate pair, which is no character; fix it"


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _is_finite(number: float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:  # a whole number that no float can hold
        return False
