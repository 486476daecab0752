"""Says what a model allows at a place in a document."""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from rollback_drills.documents.duplicate_keys import Location


def is_known(model: type[msgspec.Struct], loc: Location) -> bool:
    """Whether a document of this model may have something at this place."""
    return bool(_types_at(model, loc))


def choices_at(model: type[msgspec.Struct], loc: Location) -> list[str]:
    """Return the words that this place may have, if it is one of a few."""
    return [choice for each in _types_at(model, loc) for choice in _choices(each)]


def keys_at(model: type[msgspec.Struct], loc: Location) -> frozenset[str]:
    """Return every key that an object at this place may have."""
    models = [each for each in _types_at(model, loc) if _is_model(each)]
    return frozenset(field.encode_name for each in models for field in msgspec.structs.fields(each))


def is_unknown_key(model: type[msgspec.Struct], loc: Location) -> bool:
    """Return whether an object that a document of this model may have does not have this key."""
    return bool(keys_at(model, loc[:-1])) and not is_known(model, loc)


@cache
def find_home(model: type[msgspec.Struct], key: str) -> str:
    """Return where a document of this model may have a key: the shallowest path; empty if nowhere.

    `[]` stands for an item of a list, and `*` for a name that the document gives.
    """
    level = [("$", model)]
    while level:
        for path, each in level:
            if key in keys_at(each, ()):
                return f"{path}.{key}"
        level = [
            (f"{path}.{field.encode_name}{way}", inner)
            for path, each in level
            for field in msgspec.structs.fields(each)
            for way, inner in _models_in(field.type)
        ]
    return ""


def _types_at(model: type[msgspec.Struct], loc: Location) -> list[Any]:
    types: list[Any] = [model]
    for part in loc:
        types = [inner for each in types for inner in _step(each, part)]
    return types


def _step(annotation: Any, part: int | str) -> list[Any]:
    """Return what may stand at a key or index of a value of this type."""
    if isinstance(part, int):
        return _alternatives(get_args(annotation)[0]) if get_origin(annotation) is tuple else []
    if get_origin(annotation) is dict:
        return _alternatives(get_args(annotation)[1])
    if not _is_model(annotation):
        return []
    fields = msgspec.structs.fields(annotation)
    return [inner for field in fields if field.encode_name == part for inner in _alternatives(field.type)]


def _alternatives(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [inner for each in get_args(annotation) for inner in _alternatives(each)]
    return [annotation]


def _models_in(annotation: Any) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield the models of what a value of this type holds, each with the way to it."""
    for each in _alternatives(annotation):
        if _is_model(each):
            yield "", each
        elif get_origin(each) is tuple:
            yield from (("[]" + way, inner) for way, inner in _models_in(get_args(each)[0]))
        elif get_origin(each) is dict:
            yield from ((".*" + way, inner) for way, inner in _models_in(get_args(each)[1]))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(each) for each in get_args(annotation)]
    return list(annotation) if isinstance(annotation, type) and issubclass(annotation, StrEnum) else []
