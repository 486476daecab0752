"""The careful reading: takes the other spellings of a timestamp, and says what is wrong with a document."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from rollback_drills.documents.fields import ZERO_TIME, Document
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.odd_names import find_odd_names
from rollback_drills.documents.private_texts import find_private_texts
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.repeats import START, Location, Origin, find_repeats, parse_json
from rollback_drills.documents.shapes import choices_at, is_known, known_keys
from rollback_drills.errors import DrillsError

_MOST_PROBLEMS_SHOWN: Final = 5
_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?(?P<path>\$[^`]*)`)?", re.DOTALL)

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
        raise UnusableDocumentError("is nested too deeply to be a document of this kind") from None


def _read(model: type[D], data: bytes, origin: Origin) -> tuple[D, tuple[str, ...]]:
    text = decode(data)
    parsed, has_repeats = _parse(text, origin)
    found = _Found([], [], [], [])
    raw = _tidy(parsed, (), found)
    problems = [
        *(explain_repeats(text, origin) if has_repeats else ()),
        *found.problems,
        *(_explain_timestamp(model, loc, value) for loc, value in found.no_timestamps),
        *(
            f"{json_path(loc)} holds {kind}, which a published document must not name; leave it out"
            for loc, kind in find_private_texts(parsed)
        ),
        *(_explain_unknown(model, loc) for loc in found.absent if not is_known(model, loc)),
    ]
    problems += [f"{json_path(loc)} {what}" for loc, what in find_odd_names(raw)]
    if problems:
        raise UnusableDocumentError("; ".join(problems[:_MOST_PROBLEMS_SHOWN]))
    try:
        return msgspec.convert(raw, model), tuple(found.without_offset)
    except msgspec.ValidationError as error:
        raise UnusableDocumentError(_explain_mismatch(model, raw, str(error))) from None


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
        place = origin.locate(text, error.pos)
        raise UnusableDocumentError(f"is not JSON: {error.msg.lower()}, {place}") from None
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
    if isinstance(value, str) and str(loc[-1]).endswith("_at"):
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
        return _explain_unknown(model, loc)
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


def _explain_mismatch(model: type[Document], raw: Any, message: str) -> str:
    match = _PLACE.fullmatch(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    unknown = re.search(r"unknown field `(.*)`", what)
    where, value = _follow(model, raw, path, message)
    if unknown:
        return _explain_unknown(model, (*where, unknown[1]))
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"{json_path((*where, missing[1]))} is missing; it is needed"
    if what.startswith("Invalid enum value"):
        return f"{json_path(where)} is {show(value)}; must be one of {', '.join(choices_at(model, where))}"
    if expected := re.fullmatch(r"Expected `(.*)`(?: (?!, got)[^,]*)?, got `.*`|Expected `(.*)`(.*)", what):
        demand = _plain_type(expected[1] or expected[2])
        if isinstance(value, str):
            demand = demand.removesuffix(_QUOTED)
        return f"{json_path(where)} is {show(value)}; must be {demand}{expected[3] or ''}"
    return f"{json_path(where)} {what[:1].lower()}{what[1:]}"


_QUOTED: Final = " in quotes"
_TYPES: Final = {
    "object": "a JSON object",
    "array": "a list",
    "str": f"a text{_QUOTED}",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "datetime": "a timestamp in quotes",
    "null": "null",
}


def _plain_type(names: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))


def _follow(model: type[Document], raw: Any, path: str, message: str) -> tuple[Location, Any]:
    """Find the place that a path such as `$.drills[0]` names; `[...]` stands for some key of an object."""
    loc: Location = ()
    value = raw
    for name, index in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", path):
        if index == "...":
            part: int | str = _find_failing_key(model, raw, loc, value, message)
        else:
            part = int(index) if index else name
        loc, value = (*loc, part), value[part]
    return loc, value


def _find_failing_key(
    model: type[Document], raw: Any, loc: Location, value: dict[str, Any], message: str
) -> str:
    """Return the first key of the object at `loc` without which the document is not refused like this."""
    keys = list(value)

    def fails_alike(count: int) -> bool:
        try:
            msgspec.convert(_replace(raw, loc, {key: value[key] for key in keys[:count]}), model)
        except msgspec.ValidationError as error:
            return str(error) == message
        return False

    return keys[bisect_left(range(1, len(keys)), True, key=fails_alike)]


def _replace(value: Any, loc: Location, new: Any) -> Any:
    if not loc:
        return new
    changed = value.copy()
    changed[loc[0]] = _replace(value[loc[0]], loc[1:], new)
    return changed


def _explain_unknown(model: type[Document], loc: Location) -> str:
    return f"{json_path(loc)} is an unknown key; {_remedy_for_key(model, str(loc[-1]))}"


def _remedy_for_key(model: type[Document], key: str) -> str:
    known = known_keys(model)
    if key in known:
        return "it is known, but not here"
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else "remove it"
