"""Gives each schedule of a fleet the changes that concern it."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from rollback_drills.documents.changes import Change, Changes, KnownChanges, find_change_faults
from rollback_drills.documents.reader import read_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.names.keys import name_key


def add_changes(subjects: Sequence[Subject], path: str | None) -> tuple[Subject, ...]:
    """Return the schedules with the changes that concern them; the same ones if no document is configured.

    A document that cannot be used is a finding of each schedule, and raises nothing.

    Args:
        subjects: The schedules.
        path: The document of the changes.
    """
    if path is None:
        return tuple(subjects)
    loaded = read_document(Changes, path)
    if loaded.document is None:
        return tuple(_give(subjects, KnownChanges(problem=loaded.problem)))
    for fault in find_change_faults(loaded.document):
        return tuple(_give(subjects, KnownChanges(problem=f"{loaded.path}: {fault}")))
    changes = sorted(loaded.document.changes, key=lambda each: each.promoted_at)
    everywhere = [each for each in changes if not each.schedule_ids and not each.environments]
    if len(everywhere) == len(changes):
        return tuple(_give(subjects, KnownChanges(tuple(changes))))
    return tuple(_choose(subjects, changes))


def _give(subjects: Iterable[Subject], known: KnownChanges) -> Iterator[Subject]:
    return (msgspec.structs.replace(each, changes=known) for each in subjects)


def _choose(subjects: Iterable[Subject], changes: Sequence[Change]) -> Iterator[Subject]:
    """Return for each schedule the changes that concern it, by its name or its environment, or all."""
    scopes = [(each, _keys(each.schedule_ids), _keys(each.environments)) for each in changes]
    for subject in subjects:
        environment = _find_environment(subject.document)
        name = name_key(subject.name)
        own = tuple(
            change
            for change, names, environments in scopes
            if (not names or name in names) and (not environments or environment in environments)
        )
        yield msgspec.structs.replace(subject, changes=KnownChanges(own))


def _keys(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(name_key, names))


def _find_environment(schedule: Schedule | None) -> str:
    return name_key(schedule.environment) if schedule else ""
