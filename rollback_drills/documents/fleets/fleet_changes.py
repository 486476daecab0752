"""Gives each schedule of a fleet the changes that concern it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from rollback_drills.documents.changes import Change, Changes, KnownChanges, find_change_faults
from rollback_drills.documents.fleets.settled import read_settled
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.reader import Loaded, read_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.names.similar_names import find_similar

_SIMILAR: Final = 0.8
_WORDS: Final = {"schedule_ids": "schedule", "environments": "environment"}


def load_changes(path: str | None) -> Loaded[Changes] | None:
    """Read what was promoted; None if no document is configured. One with a fault cannot be used."""
    if path is None:
        return None
    loaded = read_settled(lambda: read_document(Changes, path))
    for fault in find_change_faults(loaded.document) if loaded.document else ():
        return msgspec.structs.replace(loaded, document=None, problem=f"{loaded.path}: {fault}")
    return loaded


def add_changes(subjects: Sequence[Subject], loaded: Loaded[Changes] | None) -> tuple[Subject, ...]:
    """Return the schedules with the changes that concern them; the same ones if no document is configured.

    A document that cannot be used is a finding of each schedule.

    Args:
        subjects: The schedules.
        loaded: The document of the changes.
    """
    if loaded is None:
        return tuple(subjects)
    if loaded.document is None:
        return tuple(_give(subjects, KnownChanges(problem=loaded.problem)))
    changes = sorted(loaded.document.changes, key=lambda each: each.promoted_at)
    everywhere = [each for each in changes if not each.schedule_ids and not each.environments]
    if len(everywhere) == len(changes):
        return tuple(_give(subjects, KnownChanges(tuple(changes))))
    return tuple(_choose(subjects, changes))


def warn_of_changes(subjects: Sequence[Subject], loaded: Loaded[Changes] | None) -> Iterator[str]:
    """Yield the names in the changes that match no schedule or environment: nothing is due for them.

    Beside one schedule, changes may be meant for others: then only a name counts that is much like its own.
    A document that cannot be used is named, too, unless it is a finding of a schedule that asks for changes.

    Args:
        subjects: All schedules of the fleet.
        loaded: The document of the changes.
    """
    is_alone = len(subjects) == 1
    is_used = any(map(uses_changes, (each.document for each in subjects)))
    if is_alone and any(each.changes and each.changes.changes for each in subjects):
        return
    environments = (each.document.environment for each in subjects if each.document)
    yield from warn_of_names(
        (each.name for each in subjects), environments, loaded, is_used=is_used, is_alone=is_alone
    )


def uses_changes(schedule: Schedule | None) -> bool:
    """Return whether changes make the next drill of a schedule due earlier."""
    return schedule is not None and schedule.redrill_after_change_days is not None


def warn_of_names(
    names: Iterable[str],
    of_environments: Iterable[str],
    loaded: Loaded[Changes] | None,
    *,
    is_used: bool,
    is_alone: bool = False,
) -> Iterator[str]:
    """Yield the same as `warn_of_changes`, from the names of the schedules and of their environments.

    If the document cannot be used, each schedule that uses it says so. If no schedule does, this names it.
    """
    if loaded is None:
        return
    if loaded.document is None:
        if not is_used:
            yield loaded.problem
        return
    environments, schedules = first_spellings(of_environments), first_spellings(names)
    for number, change in enumerate(loaded.document.changes):
        for key, written, known in (
            ("schedule_ids", change.schedule_ids, schedules),
            ("environments", change.environments, environments),
        ):
            for place, name in enumerate(written):
                if name_key(name) in known:
                    continue
                similar = find_similar(name, known.values(), similar=_SIMILAR)
                if similar or not is_alone:
                    meant = f"; did you mean {show(similar)}?" if similar else ""
                    yield (
                        f"{loaded.path}: $.changes[{number}].{key}[{place}] is {show(name)}, which matches no"
                        f" {_WORDS[key]}{meant}"
                    )


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
