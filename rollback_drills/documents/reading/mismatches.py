"""Explains why a model refuses the value at a place, and how to fix it."""

import re
from bisect import bisect_left
from typing import Any, Final

import msgspec

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.mistake import Mistake
from rollback_drills.documents.reading.shapes import choices_at, find_home, is_known, keys_at
from rollback_drills.documents.unfit_keys import UnfitKeysError
from rollback_drills.names.similar_names import find_similar, find_similar_key

_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `(?P<is_key>key` in `)?(?P<path>\$[^`]*)`)?", re.DOTALL)


def explain_mismatch(model: type[msgspec.Struct], raw: Any, error: msgspec.ValidationError) -> Mistake:
    """Return the place that a model refused: what is there, and what is needed.

    Args:
        model: What the document was to be.
        raw: The document, as JSON is parsed.
        error: How msgspec, or a check of the model, says what is wrong.
    """
    message = str(error)
    match = _PLACE.fullmatch(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    where, value = _follow(model, raw, path, message)
    if isinstance(error.__cause__, ValueError):
        return _explain_check(model, where, error.__cause__)
    if match and match["is_key"]:
        value = _find_failing_key(model, raw, where, value, message)
        where = (*where, value)
        what = f"Expected `name`{what.partition('`')[2].partition('`')[2]}"
    if unknown := re.search(r"unknown field `(.*)`", what):
        return explain_unknown(model, (*where, unknown[1]))
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return Mistake((*where, missing[1]), "is missing; it is needed")
    return Mistake(where, _explain_value(model, where, value, what))


def _explain_value(model: type[msgspec.Struct], where: Location, value: Any, what: str) -> str:
    if what.startswith("Invalid enum value"):
        choices = choices_at(model, where)
        near = find_similar(value, choices) if isinstance(value, str) else ""
        meant = f'; did you mean "{near}"?' if near else ""
        return f"is {show(value)}; must be one of {', '.join(choices)}{meant}"
    if expected := re.fullmatch(r"Expected `(.*)`(?: (?!, got)[^,]*)?, got `.*`|Expected `(.*)`(.*)", what):
        demand = _plain_type(expected[1] or expected[2])
        if isinstance(value, str):
            demand = demand.removesuffix(_QUOTED)
        return f"is {show(value)}; must be {demand}{_plain_limit(expected[3] or '')}"
    return what[:1].lower() + what[1:]


def _explain_check(model: type[msgspec.Struct], where: Location, error: ValueError) -> Mistake:
    """Explain what a check of the model refuses, which may begin with the key that it is about."""
    what = str(error)
    about: tuple[Location, ...] = ()
    if isinstance(error, UnfitKeysError):
        about = tuple((*where, *each) for each in error.about)
        if error.at:
            return Mistake((*where, *error.at), what, about)
    key, _, rest = what.partition(" ")
    if is_known(model, (*where, key)):
        return Mistake((*where, key), rest, about)
    return Mistake(where, what, about)


_LIMITS: Final = (
    (r" of length >= 1$", " that is not empty"),
    (r" of length <= (\d+)$", r" of at most \1 characters"),
    (r" >= (.*)$", r", at least \1"),
    (r" <= (.*)$", r", at most \1"),
    (r" > (.*)$", r" greater than \1"),
    (r" matching regex '\^\(\[01\]\[0-9\].*$", " of hours and minutes, such as 09:00"),
    (r" matching regex '\^\[0-9a-f\]\{(\d+)\}\$'$", r" of \1 hexadecimal digits, in small letters"),
)


def _plain_limit(limit: str) -> str:
    for pattern, words in _LIMITS:
        limit = re.sub(pattern, words, limit)
    return re.sub(r"\b(\d+)\.0$", r"\1", limit)


_QUOTED: Final = " in quotes"
_TYPES: Final = {
    "object": "a JSON object",
    "array": "a list",
    "str": f"a text{_QUOTED}",
    "name": "a name",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "datetime": "a timestamp in quotes",
    "null": "null",
}


def _plain_type(names: str) -> str:
    kinds = [each for each in names.split(" | ") if each != "null"]  # which says the same as an absent key
    return " or ".join(_TYPES.get(each, each) for each in kinds or ["null"])


def _follow(model: type[msgspec.Struct], raw: Any, path: str, message: str) -> tuple[Location, Any]:
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
    model: type[msgspec.Struct], raw: Any, loc: Location, value: dict[str, Any], message: str
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


def explain_unknown(model: type[msgspec.Struct], loc: Location) -> Mistake:
    """Return that a key is unknown at its place, and which one may be meant."""
    key = str(loc[-1])
    if near := find_similar_key(key, keys_at(model, loc[:-1])):
        return Mistake(loc, f"is an unknown key; did you mean {near!r}?", meant=(*loc[:-1], near))
    home = find_home(model, key)
    remedy = f"it belongs to {home}" if home else "remove it"
    return Mistake(loc, f"is an unknown key; {remedy}")
