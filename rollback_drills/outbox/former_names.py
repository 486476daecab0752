"""Keeps the cycles of unusable documents that an earlier version knew by another path."""

from collections.abc import Sequence

import msgspec

from rollback_drills.database.connections import Database
from rollback_drills.documents.subject import Subject
from rollback_drills.outbox.commit import find_open_schedules


def keep_former_names(subjects: Sequence[Subject], database: Database | None) -> tuple[Subject, ...]:
    """Return the subjects, with the former name of a document that is in an open cycle under that name.

    Earlier versions knew a document without a readable id by its path as it was configured. With another name
    it would be in a new cycle: its owners would be notified again, and their acknowledgements would be lost.
    """
    formers = {former for each in subjects if (former := _find_former_name(each))}
    if not formers or database is None:
        return tuple(subjects)
    known = find_open_schedules(database, formers)
    return tuple(_rename(each, known) for each in subjects)


def _find_former_name(subject: Subject) -> str:
    source = subject.schedule
    if source is None or (source.document and source.document.schedule_id):
        return ""
    return source.former_identity if source.former_identity != source.identity else ""


def _rename(subject: Subject, known: set[str]) -> Subject:
    former = _find_former_name(subject)
    if subject.schedule is None or former not in known:
        return subject
    return msgspec.structs.replace(subject, schedule=msgspec.structs.replace(subject.schedule, name=former))
