"""Marks what the program itself computed: no secret is looked for there."""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Final, get_args

import msgspec

_MARK: Final = "computed"

Computed = Annotated[str, _MARK]
"""A text that the program made: a time, an id, a digest, or one of its own words.

It stays as it is when secrets are taken out. In a digest a short secret stands by chance, and in a time each
password that is a year: without them, a record could not be read or found again.
"""


@cache
def computed_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the fields of a Struct whose texts the program computed."""
    return frozenset(each.name for each in msgspec.structs.fields(kind) if _MARK in _find_marks(each.type))


def _find_marks(annotation: Any) -> Iterator[object]:
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _find_marks(inner)
