"""Says which files are schedules, and which history belongs to each, by their names."""

import os
import re
from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import normalize

import msgspec

from rollback_drills.documents.fleets.document_search import DOCUMENT_ENDINGS, RECORDS_ENDING
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import Loaded, read_document
from rollback_drills.documents.reading.yaml_text import is_yaml
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.rendering.long_lists import name_some

_WORD: Final = re.compile(r"[^\W_]+")
_BLANK_BETWEEN_WORDS: Final = bytes(code if chr(code).isalnum() else ord(" ") for code in range(256))
_SCHEDULE_WORDS: Final = frozenset({"schedule", "schedules"})
_HISTORY_WORDS: Final = frozenset({"history", "histories"})
_OTHER_WORDS: Final = frozenset({"routing", "policy", "connector", "connectors"})
_CHANGES: Final = ["changes"]
"""What was promoted is usually in `changes.json`, which may lie beside the schedules."""
_KIND_WORDS: Final = _SCHEDULE_WORDS | _HISTORY_WORDS | {"drill", "drills"}
_MOST_SHOWN: Final = 3


class NamedFile(msgspec.Struct, frozen=True, gc=False):
    """A document by what its name says."""

    path: str
    """Where it lies."""
    shown: str
    """What people see of that."""
    name: str
    """Its path below the configured place, which is its identity; empty if `shown` is the same."""
    kind: str
    """`schedule`, `history`, `records` or `other`, by the ending of the file and the words in its name."""
    key: str
    """What a schedule and its history have in common: folder and name without those words."""


Histories = dict[str, list[NamedFile]]
"""By key the histories that a schedule with that key could have."""


def name_files(place: str, documents: Iterable[tuple[str, str]]) -> list[NamedFile]:
    """Classify the documents that were found at a configured place, by path and name."""
    if os.path.isabs(place):  # the path is private
        return [NamedFile(path, show_path(name), "", *_classify(name)) for path, name in documents]
    return [NamedFile(path, show_path(path), show_path(name), *_classify(name)) for path, name in documents]


def key_of(schedule_id: str) -> str:
    """Return the key of the history of a schedule that is in no file of its own."""
    return _classify(f"{schedule_id}.json")[1]


def find_kind(file: str) -> str:
    """Return what a file holds by its name: `schedule`, `history`, `records` or `other`."""
    return _classify(file)[0]


def _classify(relative: str) -> tuple[str, str]:
    """Return kind and key of a file; YAML is a document only if its name says so: tools have YAML too."""
    folder, _, file = _fold(relative).rpartition("/")
    if file.endswith(RECORDS_ENDING):
        return "records", ""
    name, dot, ending = file.rpartition(".")
    words = _split(name if f"{dot}{ending}" in DOCUMENT_ENDINGS else file)
    key = f"{folder}/{'/'.join([word for word in words if word not in _KIND_WORDS])}"
    if not _SCHEDULE_WORDS.isdisjoint(words):
        return "schedule", key
    if not _HISTORY_WORDS.isdisjoint(words) or "drills" in words:
        return "history", key
    is_other = words == _CHANGES or is_yaml(file) or not _OTHER_WORDS.isdisjoint(words)
    return "other" if is_other else "schedule", key


def _fold(text: str) -> str:
    """Write a path without case and in one Unicode form: macOS may write an accent apart from its letter."""
    return text.lower() if text.isascii() else normalize("NFC", text.casefold())


def _split(text: str) -> list[str]:
    """Return the words of a name; in ASCII in a third of the time of the expression."""
    if text.isascii():
        return text.encode().translate(_BLANK_BETWEEN_WORDS).decode().split()
    return _WORD.findall(text)


def by_key(files: Iterable[NamedFile]) -> Histories:
    """Sort the histories among some files by their keys."""
    histories: Histories = {}
    for each in files:
        if each.kind == "history":
            histories.setdefault(each.key, []).append(each)
    return histories


def read_history(found: Sequence[NamedFile], schedule: str, rivals: Sequence[str]) -> Loaded[History]:
    """Read the history of a schedule.

    One that is not clear is a finding of this schedule, and of every other that could mean it.

    Args:
        found: The histories that it could be, at least one.
        schedule: The schedule, for messages.
        rivals: All schedules that could have this history, if they are several.
    """
    history = found[0]
    if len(found) > 1:
        shown = name_some([each.shown for each in found], _MOST_SHOWN, " and ")
        problem = f"{shown} are all histories of {schedule} by their names; rename or remove all but one"
    elif len(rivals) > 1:
        shown = name_some(rivals, _MOST_SHOWN, " and ")
        problem = f"{history.shown} could be the history of {shown}; rename one of them"
    else:
        return read_document(History, history.path, history.shown, history.name)
    return Loaded(history.shown, problem=problem, name=history.name)
