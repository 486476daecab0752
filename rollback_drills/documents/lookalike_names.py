"""Finds names in documents that look the same and are not."""

from collections.abc import Iterable, Iterator
from typing import Any

from rollback_drills.documents.odd_names import find_names
from rollback_drills.documents.quotation import json_path
from rollback_drills.names.lookalikes import explain_lookalike, find_lookalikes


def find_lookalike_names(documents: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Name each pair of owners, providers and schedule ids that people can hardly tell apart.

    Args:
        documents: The path of each document, and its parsed JSON.
    """
    places: dict[str, dict[str, tuple[str, str]]] = {"owner": {}, "provider": {}, "schedule id": {}}
    for file, raw in documents:
        for loc, kind, name in find_names(raw):
            if name and kind in places:
                places[kind].setdefault(name, (file, json_path(loc)))
    for known in places.values():
        for first, second in find_lookalikes(known):
            file, path = known[second]
            yield explain_lookalike(file, path, first, second, f"({known[first][1]} of {known[first][0]})")
