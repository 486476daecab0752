"""Finds names that stand twice in one list of a document: the second one says nothing."""

from collections.abc import Iterator
from typing import Any

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.odd_names import find_names
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.names.keys import name_key


def find_repeated_names(raw: Any) -> Iterator[str]:
    """Yield path, value and remedy of each name that its list has already, in any spelling.

    Args:
        raw: The document, as JSON is parsed.
    """
    seen: dict[tuple[Location, str], Location] = {}
    for loc, _, name in find_names(raw):
        if isinstance(loc[-1], int):
            first = seen.setdefault((loc[:-1], name_key(name)), loc)
            if first != loc:
                yield f"{json_path(loc)} is {show(name)}, as {json_path(first)} is already; keep one of them"
