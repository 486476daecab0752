"""Warns of what only shows when a schedule lies beside its history."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rollback_drills.documents.fleets.history_pairs import name_files
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.readiness.history_faults import REPEATS, WORDS, find_history_faults
from rollback_drills.readiness.shared_drills import find_shared_drills

_OF_THE_HISTORY_ALONE: Final = frozenset({WORDS, REPEATS})


def warn_of_pairs(loaded: Sequence[Loaded[Any]]) -> Iterator[str]:
    """Yield file, path and remedy of each mistake in a history that only shows beside its schedule."""
    subjects = list(_pair(loaded))
    shared = find_shared_drills(subjects)
    for place, each in enumerate(subjects):
        if each.document is None or each.history is None or each.history.document is None:
            continue
        faults = find_history_faults(
            each.history.document,
            environment=each.document.environment,
            shared=shared.get(place, ""),
            blocking=each.document.blocking_severities,
        )
        for check_id, fault in faults.items():
            if check_id not in _OF_THE_HISTORY_ALONE:
                yield f"{each.history.path}: {fault}"


def _pair(loaded: Sequence[Loaded[Any]]) -> Iterator[Subject]:
    """Yield each schedule with the only history of its name, as `drills check` of their folder has it."""
    schedules: dict[str, list[Loaded[Schedule]]] = {}
    histories: dict[str, list[Loaded[History]]] = {}
    for each in loaded:
        key = _find_key(each)
        if isinstance(each.document, Schedule):
            schedules.setdefault(key, []).append(each)
        elif isinstance(each.document, History):
            histories.setdefault(key, []).append(each)
    for key, some in schedules.items():
        if len(some) == len(histories.get(key, ())) == 1:
            yield Subject(some[0], histories[key][0])


def _find_key(loaded: Loaded[Any]) -> str:
    if not loaded.file:  # a record, which has both: `fleet.jsonl:3#schedule`
        return loaded.path.partition("#")[0]
    (named,) = name_files("", [(loaded.file, loaded.file)])
    return named.key
