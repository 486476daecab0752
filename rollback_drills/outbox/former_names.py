"""Keeps the cycles of unusable documents that an earlier version knew by another path."""

from collections.abc import Sequence

import msgspec

from rollback_drills.database.connections import Database
from rollback_drills.documents.subject import Subject
from rollback_drills.outbox.commit import find_open_schedules


def keep_former_names(subjects: Sequence[Subject], database: Database | None) -> tuple[Subject, ...]:
    """Return the subjects, with the former name of a document that is in an open cycle under that name.

    Earlier versions knew a document without a readable id by its path as configured, often relative to the
    folder of the worker. With another name it would be in a new cycle: its owners would be notified again
    and their acknowledgements lost.
    """
    formers = {former for each in subjects for former in _find_former_names(each)}
    if not formers or database is None:
        return tuple(subjects)
    known = find_open_schedules(database, formers)
    return tuple(_rename(each, known) for each in subjects)


def _find_former_names(subject: Subject) -> tuple[str, ...]:
    source = subject.schedule
    if source is None or (source.document and source.document.schedule_id):
        return ()
    return tuple(each for each in source.former_identities if each != source.identity)


def _rename(subject: Subject, known: set[str]) -> Subject:
    former = next((each for each in _find_former_names(subject) if each in known), "")
    if subject.schedule is None or not former:
        return subject
    return msgspec.structs.replace(subject, schedule=msgspec.structs.replace(subject.schedule, name=former))
