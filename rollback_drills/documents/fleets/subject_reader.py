"""Reads a schedule and the history that belongs to it from their files."""

from collections.abc import Sequence

from rollback_drills.documents.fleets.history_pairs import NamedFile, read_history
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import (
    Loaded,
    add_calendars,
    parse_document,
    read_document,
    read_json,
)
from rollback_drills.documents.reading.whole_record import join, read_whole
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.unusable_document import UnusableDocumentError


def read_subject(schedule: NamedFile, found: Sequence[NamedFile], rivals: Sequence[str]) -> Subject:
    """Read a schedule with its history; what is wrong with one of them is a finding of it.

    Args:
        schedule: The file of the schedule.
        found: The histories that it could have; empty if there is none.
        rivals: All schedules that could have this history, if they are several.
    """
    if len(found) == 1 and len(rivals) < 2:
        return _read_both(schedule, found[0])
    read = read_document(Schedule, schedule.path, schedule.shown, schedule.name)
    return Subject(read, read_history(found, schedule.shown, rivals) if found else None)


def _read_both(schedule: NamedFile, history: NamedFile) -> Subject:
    """Read two files as one record, with half of the steps, unless one of them takes a closer look."""
    try:
        first, second = read_json(schedule.path), read_json(history.path)
    except UnusableDocumentError:
        return Subject(
            read_document(Schedule, schedule.path, schedule.shown, schedule.name),
            read_document(History, history.path, history.shown, history.name),
        )
    whole = read_whole(join(first, second))
    if whole is None or whole.history is None:
        return Subject(
            parse_document(Schedule, first, schedule.shown, name=schedule.name, file=schedule.path),
            parse_document(History, second, history.shown, name=history.name, file=history.path),
        )
    return Subject(
        add_calendars(Loaded(schedule.shown, whole.schedule, "", (), schedule.name, schedule.path), None),
        Loaded(history.shown, whole.history, "", (), history.name, history.path),
    )
