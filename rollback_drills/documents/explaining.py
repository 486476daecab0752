"""The careful reading: takes the other spellings of a timestamp, and says what is wrong with a document."""

import json
import re
from bisect import bisect_left
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from math import isfinite
from typing import Any, Final, TypeVar, get_args

import msgspec

from rollback_drills.documents.fields import Document
from rollback_drills.documents.linting import find_private_texts
from rollback_drills.documents.privacy import find_private
from rollback_drills.errors import DrillsError

_LONGEST_VALUE_SHOWN: Final = 60
_MOST_PROBLEMS_SHOWN: Final = 5
_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?(?P<path>\$[^`]*)`)?", re.DOTALL)

D = TypeVar("D", bound=Document)
Location = tuple[int | str, ...]


class UnusableDocumentError(DrillsError):
    """A document that cannot be read; the message says what is wrong with it, where, and how to mend it."""


def read_instant(text: str) -> tuple[datetime, bool]:
    """Read an ISO 8601 timestamp as an instant in UTC, and say whether it was written with an offset.

    Without an offset it is read as UTC (contract §8.1).

    Raises:
        ValueError: The text is no ISO 8601 timestamp, or leaves the years 1 to 9999 in UTC.
    """
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            return instant.replace(tzinfo=UTC), False
        return instant.astimezone(UTC), True
    except OverflowError:
        raise ValueError(text) from None


def read_day_or_instant(text: str) -> datetime:
    """Read a day as its beginning in UTC, or a timestamp as `read_instant` does.

    Raises:
        ValueError: The text is neither.
    """
    return read_instant(text if "T" in text or " " in text else f"{text}T00:00:00Z")[0]


def read_carefully(model: type[D], data: bytes) -> tuple[D, tuple[str, ...]]:
    """Read a document whose timestamps may be written in any way of ISO 8601.

    Returns:
        The document, and the JSON paths of the timestamps without an offset.

    Raises:
        UnusableDocumentError: Says what is wrong, where, and how to mend it.
    """
    try:
        return _read(model, data)
    except RecursionError:
        raise UnusableDocumentError("is nested too deeply to be a document of this kind") from None


def _read(model: type[D], data: bytes) -> tuple[D, tuple[str, ...]]:
    without_offset: list[str] = []
    problems: list[str] = []
    raw = _put_instants(_parse(data), (), without_offset, problems)
    problems += [
        f"{json_path(loc)} holds {kind}, which a published document must not name; leave it out"
        for loc, kind in find_private_texts(raw)
    ]
    if problems:
        raise UnusableDocumentError("; ".join(problems[:_MOST_PROBLEMS_SHOWN]))
    try:
        return msgspec.convert(raw, model), tuple(without_offset)
    except msgspec.ValidationError as error:
        raise UnusableDocumentError(_explain_mismatch(model, raw, str(error))) from None


def _parse(data: bytes) -> Any:
    if not data.strip():
        raise UnusableDocumentError("is empty; a JSON object is needed")
    try:
        return json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise UnusableDocumentError(f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise UnusableDocumentError(f"is not JSON: {error.msg.lower()}, {place}") from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise UnusableDocumentError("holds a number with thousands of digits; shorten it") from None


def _put_instants(value: Any, loc: Location, without_offset: list[str], problems: list[str]) -> Any:
    """Rewrite every timestamp in the one form that the models read; find numbers that are none."""
    if isinstance(value, dict):
        problems += [f"{json_path((*loc, key))} {_HALF_PAIR}" for key in value if not _is_unicode(key)]
        return {
            key: _put_instants(each, (*loc, key), without_offset, problems) for key, each in value.items()
        }
    if isinstance(value, list):
        return [
            _put_instants(each, (*loc, index), without_offset, problems) for index, each in enumerate(value)
        ]
    if isinstance(value, float | int) and not _is_finite(value):
        problems.append(f"{json_path(loc)} is {show(value)}; must be a finite number")
    if isinstance(value, str) and not _is_unicode(value):
        problems.append(f"{json_path(loc)} {_HALF_PAIR}")
    if not isinstance(value, str) or not loc or not str(loc[-1]).endswith("_at"):
        return value
    try:
        instant, has_offset = read_instant(value)
    except ValueError:
        demand = "must be an ISO 8601 timestamp in the years 1 to 9999, such as 2026-06-20T15:40:00Z"
        problems.append(f"{json_path(loc)} is {show(value)}; {demand}")
        return value
    if not has_offset:
        without_offset.append(json_path(loc))
    return instant.isoformat()


_HALF_PAIR: Final = "holds half of a surrogate pair, which is no character; mend it"


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
        return f"{json_path((*where, unknown[1]))} is an unknown key; {_remedy_for_key(model, unknown[1])}"
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"{json_path((*where, missing[1]))} is missing; it is needed"
    if what.startswith("Invalid enum value"):
        return f"{json_path(where)} is {show(value)}; must be one of {', '.join(_choices_at(model, where))}"
    if expected := re.fullmatch(r"Expected `(.*)`(?: (?!, got)[^,]*)?, got `.*`|Expected `(.*)`(.*)", what):
        demand = f"must be {_plain_type(expected[1] or expected[2])}{expected[3] or ''}"
        return f"{json_path(where)} is {show(value)}; {demand}"
    return f"{json_path(where)} {what[:1].lower()}{what[1:]}"


_TYPES: Final = {
    "object": "a JSON object",
    "array": "a list",
    "str": "a text",
    "float": "a number",
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
    """Give the first key of the object at `loc` without which the document is not refused like this."""
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


def _remedy_for_key(model: type[Document], key: str) -> str:
    known = _known_keys(model)
    if key in known:
        return "it is known, but not here"
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else "remove it"


@cache
def _known_keys(model: type[Document]) -> frozenset[str]:
    """Give every key that a document of this model may hold, at any depth."""
    keys: set[str] = set()
    for field in msgspec.structs.fields(model):
        keys.add(field.name)
        for inner in _models_in(field.type):
            keys |= _known_keys(inner)
    return frozenset(keys)


def _models_in(annotation: Any) -> set[type[Document]]:
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return {annotation}
    return {model for argument in get_args(annotation) for model in _models_in(argument)}


def _choices_at(model: type[Document], where: Location) -> list[str]:
    """Give the values that the place in a document may have, by the models that it lies in."""
    annotation: Any = model
    for part in where:
        types = (msgspec.structs.fields(inner) for inner in _models_in(annotation))
        annotation = next((field.type for each in types for field in each if field.name == part), annotation)
    return [choice for each in (annotation, *get_args(annotation)) if _is_enum(each) for choice in each]


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, StrEnum)


def json_path(loc: Location) -> str:
    """Write a place in a document as a JSON path, `$.drills[0].executed_at`; private keys are masked."""
    path = "$"
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif find_private(part):
            path += ".<a key that must not be shown>"
        else:
            path += f".{part}" if part.isidentifier() else f"[{json.dumps(part)}]"
    return path


def show(value: Any) -> str:
    """Write a value into a message: as JSON, shortened, and masked where it must not be published."""
    text = json.dumps(value, ensure_ascii=False, default=str).encode(errors="backslashreplace").decode()
    if find_private(text):
        return "a value that must not be shown"
    return text if len(text) <= _LONGEST_VALUE_SHOWN else text[: _LONGEST_VALUE_SHOWN - 1] + "…"
