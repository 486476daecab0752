"""Loads the schedules a path stands for, and the history that belongs to each."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from rollback_drills.documents.changes import Changes
from rollback_drills.documents.fleets.document_search import DOCUMENT_ENDINGS, search
from rollback_drills.documents.fleets.fleet_changes import add_changes, load_changes, warn_of_changes
from rollback_drills.documents.fleets.found_files import find_files, find_histories, is_one_file, refuse_empty
from rollback_drills.documents.fleets.history_pairs import (
    Histories,
    find_kind,
    key_of,
    read_history,
)
from rollback_drills.documents.fleets.json_lines import count_records, is_records, read_records
from rollback_drills.documents.fleets.left_out import explain_left_out
from rollback_drills.documents.fleets.namesakes import explain_lookalikes, refuse_duplicates
from rollback_drills.documents.fleets.settled import read_all_settled, read_settled
from rollback_drills.documents.fleets.subject_reader import read_subject
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import D, Loaded, read_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import DrillKey, Subject
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import is_same
from rollback_drills.names.lookalikes import look_different
from rollback_drills.names.similar_names import find_similar


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the paths of a caller stand for."""

    subjects: tuple[Subject, ...]
    is_single: bool
    """Whether the caller named one document, and expects one report."""
    warnings: tuple[str, ...] = ()
    """What a person should look at, and makes no document unusable."""
    drills_elsewhere: Mapping[DrillKey, str] = field(default_factory=dict)
    """Of a shard: drills in it that a schedule of another shard uses too, with the name of that schedule."""


def find_subject(subjects: Sequence[Subject], name: str) -> tuple[Subject | None, str]:
    """Return the schedule of a name in any spelling; if there is none, the name that was probably meant."""
    for each in subjects:
        if is_same(each.name, name):
            return each, ""
    return None, find_similar(name, [each.name for each in subjects])


def load_fleet(schedule_path: str | None, history_path: str | None, changes_path: str | None = None) -> Fleet:
    """Load the schedules and histories that two paths stand for, and what was promoted.

    A schedule path is a file, a folder (searched with its subfolders), a glob, or a `.jsonl` file. For more
    than one schedule the history path is a folder or a glob; by default it is the same place. A history
    belongs to the schedule with the same name, the words schedule, history and drill aside. A folder that
    cannot be searched, and a history that could belong to several schedules, are findings beside the others.

    Raises:
        UsageError: Nothing is found.
    """
    warnings: list[str] = []
    if schedule_path is not None and is_records(schedule_path):
        subjects = tuple(_load_records(schedule_path, history_path, warnings))
    elif schedule_path is None or is_one_file(schedule_path):
        refuse_missing_folder(schedule_path)
        return _load_single(schedule_path, history_path, changes_path)
    else:
        subjects = tuple(_load_files(schedule_path, history_path, warnings))
    changes = load_changes(changes_path)
    fleet = gather_fleet(subjects, changes)
    warnings += warn_of_changes(fleet.subjects, changes)
    return replace(fleet, warnings=(*warnings, *fleet.warnings))


def gather_fleet(subjects: tuple[Subject, ...], changes: Loaded[Changes] | None) -> Fleet:
    """Put the subjects of several documents together, and refuse those that have the same id."""
    known = subjects
    warnings: tuple[str, ...] = ()
    if not look_different([schedule_id for each in subjects if (schedule_id := each.schedule_id)]):
        known, warnings = refuse_duplicates(subjects), tuple(explain_lookalikes(subjects))
    return Fleet(add_changes(known, changes), is_single=False, warnings=warnings)


def count_schedules(schedule_path: str | None) -> int:
    """Return how many schedules a path stands for, without reading them.

    Raises:
        UsageError: A `.jsonl` file cannot be read.
    """
    if schedule_path is not None and is_records(schedule_path):
        return count_records(schedule_path)
    if schedule_path is None or is_one_file(schedule_path):
        return 1
    return sum(find_kind(name) == "schedule" for _, name in search(schedule_path).documents)


def refuse_missing_folder(path: str | None) -> None:
    """Refuse what is not there and is no name of a document: a folder that is gone is not one late drill.

    A document that is gone is a finding (contract §8.6).
    """
    if path is not None and not path.endswith(DOCUMENT_ENDINGS) and not os.path.lexists(path):
        raise UsageError(f"{show_path(path)} does not exist; is its folder there?", field="schedule")


def _load_single(schedule_path: str | None, history_path: str | None, changes_path: str | None) -> Fleet:
    if history_path is not None and not is_one_file(history_path):
        raise UsageError(
            f"{history_path} is not one file, but there is one schedule; name its history file",
            field="history",
        )
    subject = Subject(
        schedule=None if schedule_path is None else _read(Schedule, schedule_path),
        history=None if history_path is None else _read(History, history_path),
    )
    changes = load_changes(changes_path)
    subjects = add_changes([subject], changes)
    return Fleet(subjects, is_single=True, warnings=tuple(warn_of_changes(subjects, changes)))


def _read(model: type[D], path: str) -> Loaded[D]:
    return read_settled(lambda: read_document(model, path))


def _load_files(schedule_path: str, history_path: str | None, warnings: list[str]) -> Iterator[Subject]:
    """Yield the schedules of a folder or glob; what of it is left out is added to the warnings.

    Raises:
        UsageError: There is no schedule.
    """
    found = find_files(schedule_path, history_path)
    warnings += found.find_left_out()
    rivals = found.find_rivals()
    subjects = read_all_settled(
        found.schedules,
        lambda each: read_subject(each, found.histories.get(each.key, ()), rivals[each.key]),
    )
    if not subjects and not found.problems:
        refuse_empty(schedule_path)
    yield from subjects
    yield from found.problems.values()


def _load_records(path: str, history_path: str | None, warnings: list[str]) -> Iterator[Subject]:
    histories, problems = find_histories(history_path) if history_path else ({}, {})
    records = [Subject(*record) for record in read_records(path)]
    if histories:
        warnings += explain_left_out((), histories, {_key_of_bare(each) for each in records})
        records = list(_add_histories(records, histories))
    yield from records
    yield from problems.values()


def _add_histories(records: list[Subject], histories: Histories) -> Iterator[Subject]:
    """Return the schedules that stand without their history the one of their name."""
    keys = [_key_of_bare(each) for each in records]
    rivals: dict[str, list[str]] = {}
    for each, key in zip(records, keys, strict=True):
        if key and each.schedule:
            rivals.setdefault(key, []).append(each.schedule.path)
    for each, key in zip(records, keys, strict=True):
        if key in histories and each.schedule:
            history = read_history(histories[key], each.schedule.path, rivals[key])
            yield msgspec.structs.replace(each, history=history)
        else:
            yield each


def _key_of_bare(subject: Subject) -> str:
    is_bare = subject.history is None and subject.schedule and not subject.schedule.path.endswith("#schedule")
    return key_of(subject.schedule_id) if is_bare and subject.schedule_id else ""
