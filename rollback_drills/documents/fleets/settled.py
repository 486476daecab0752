"""Reads again what was being written when it was read: a file that is half written is no finding."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from rollback_drills.documents.fleets.document_search import Searched
from rollback_drills.documents.reading.reader import D, Loaded
from rollback_drills.documents.subject import Subject

_WAIT_SECONDS: Final = 0.1
_RECENT_SECONDS: Final = 1.0
"""Writing takes less: an editor empties a file before it writes it, and `git` removes it first."""
_MOST_WAITS: Final = 20

T = TypeVar("T")


def read_settled(read: Callable[[], Loaded[D]]) -> Loaded[D]:
    """Read a document; once more, after a moment, if it cannot be used and is new."""
    loaded = read()
    if not _is_unsettled(loaded):
        return loaded
    time.sleep(_WAIT_SECONDS)
    return read()


def read_all_settled(files: Iterable[T], read: Callable[[T], Subject]) -> list[Subject]:
    """Read the schedules of a folder; those that cannot be used and are new once more, after one wait.

    A schedule that was deleted since the folder was searched is left out, as if it had been deleted before.
    """
    subjects: list[Subject] = []
    unsettled: list[tuple[int, T]] = []
    for each in files:
        subject = read(each)
        if _is_unsettled(subject.schedule) or _is_unsettled(subject.history):
            unsettled.append((len(subjects), each))
        subjects.append(subject)
    if not unsettled:
        return subjects
    time.sleep(_WAIT_SECONDS)
    for place, each in unsettled:
        subjects[place] = read(each)
    return [each for each in subjects if not _is_deleted(each.schedule)]


def wait_until_settled(descriptor: int) -> os.stat_result:
    """Wait while a file that changed a moment ago goes on changing, and return its status."""
    status = os.fstat(descriptor)
    for _ in range(_MOST_WAITS):
        if time.time() - status.st_ctime >= _RECENT_SECONDS:
            break
        time.sleep(_WAIT_SECONDS)
        before, status = status, os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            break
    return status


def search_settled(search: Callable[[], Searched]) -> Searched:
    """Search a place; once more, after a moment, if a file has just come or gone: `git` removes it first.

    What is found once counts as found: reading it says whether it is still there.
    """
    found = search()
    if not any(map(_is_new, found.folders)):
        return found
    time.sleep(_WAIT_SECONDS)
    again = search()
    return again._replace(documents=sorted({*found.documents, *again.documents}))


def _is_new(folder: str) -> bool:
    try:
        return time.time() - os.stat(folder).st_mtime < _RECENT_SECONDS
    except OSError:
        return False


def _is_unsettled(loaded: Loaded[Any] | None) -> bool:
    """Return whether a document cannot be used, and one of its files is gone or changed a moment ago."""
    if loaded is None or loaded.document is not None or not loaded.file:
        return False
    return any(map(_is_new_or_gone, (loaded.file, *loaded.beside)))


def _is_new_or_gone(path: str) -> bool:
    try:
        return time.time() - os.stat(path).st_ctime < _RECENT_SECONDS
    except FileNotFoundError:
        return True
    except (OSError, ValueError):  # ValueError: a null byte
        return False


def _is_deleted(loaded: Loaded[Any] | None) -> bool:
    if loaded is None or loaded.document is not None or not loaded.file:
        return False
    return not os.path.lexists(loaded.file)
