"""A schedule with its history: what is judged, planned and followed up."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from rollback_drills.documents.changes import KnownChanges
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.names.keys import name_key

DrillKey = tuple[str, datetime | None]
"""Key of the id of a drill, and its time: short ids such as `drill-1` may come again elsewhere."""


class Subject(msgspec.Struct, frozen=True, gc=False):
    """One schedule with the history that belongs to it; None where none is configured."""

    schedule: Loaded[Schedule] | None
    history: Loaded[History] | None
    changes: KnownChanges | None = None
    """What was promoted; None if no document of changes is configured."""

    @property
    def document(self) -> Schedule | None:
        """The schedule, if it can be read."""
        return self.schedule.document if self.schedule else None

    @property
    def schedule_id(self) -> str:
        """The id of the schedule; empty if it has none, or cannot be read."""
        document = self.document
        return document.schedule_id if document else ""

    @property
    def name(self) -> str:
        """The id of the schedule, or the path of a document that has none; empty if none is configured."""
        return self.schedule_id or (self.schedule.identity if self.schedule else "")


def find_drills(subject: Subject) -> Iterator[DrillKey]:
    """Yield the drills in the history of a schedule."""
    history = subject.history.document if subject.history else None
    drills = history.drills if history else ()
    return ((name_key(each.drill_id), each.executed_at) for each in drills if each.drill_id)
