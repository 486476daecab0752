"""Drills that are assumed to be performed, as a file lists them, and what performing one changes."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rollback_drills.documents.fields import Document, Name, Timestamp
from rollback_drills.documents.fleets.fleet import find_subject
from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.quotation import quote, show
from rollback_drills.documents.reading.input_file import read_input_file
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schema_versions import HISTORY_SCHEMA
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import name_key
from rollback_drills.readiness.due import find_written_due

PERFORMED_SCHEMA: Final = "rollback-drills.performed-drills.v1"
MOST_DRILLS: Final = 100_000
_ACTOR: Final = "simulation"


class PerformedDrill(Document, frozen=True, gc=False):
    """One drill that is assumed to be performed."""

    schedule_id: Name
    performed_at: Timestamp
    accepted: bool = True


class PerformedDrills(Document, frozen=True, gc=False):
    """A file of drills that are assumed to be performed."""

    schema_version: str
    drills: Annotated[tuple[PerformedDrill, ...], Meta(min_length=1, max_length=MOST_DRILLS)]

    def __post_init__(self) -> None:
        """Ensure that this is the version that is known.

        Raises:
            ValueError: It is not.
        """
        if self.schema_version != PERFORMED_SCHEMA:
            raise ValueError(f'schema_version is {quote(self.schema_version)}; must be "{PERFORMED_SCHEMA}"')


def read_performed_drills(
    path: Path, subjects: Sequence[Subject], since: datetime
) -> dict[str, list[PerformedDrill]]:
    """Read a file of drills, YAML by its ending and JSON otherwise.

    Args:
        path: The file.
        subjects: The schedules that it may name.
        since: When the simulated time begins.

    Returns:
        By the key of the schedule: its drills, the earliest first.

    Raises:
        UsageError: It cannot be read or used, or names a schedule that there is not, or a time before.
    """
    listed = read_input_file(PerformedDrills, path)
    known = {name_key(each.name) for each in subjects if each.document}
    found: dict[str, list[PerformedDrill]] = {}
    for place, drill in enumerate(listed.drills):
        where, key = f"{path.name}: $.drills[{place}]", name_key(drill.schedule_id)
        if key not in known:
            _, similar = find_subject(subjects, drill.schedule_id)
            meant = f"did you mean {show(similar)}?" if similar else "fix the name"
            raise UsageError(f"{where}.schedule_id {show(drill.schedule_id)} is no usable schedule; {meant}")
        if drill.performed_at < since:
            at = write_instant(drill.performed_at)
            raise UsageError(
                f"{where}.performed_at {at} is before the beginning, {write_instant(since)}; record the drill"
                " in the history"
            )
        found.setdefault(key, []).append(drill)
    return {key: sorted(some, key=lambda each: each.performed_at) for key, some in found.items()}


def perform(subject: Subject, at: datetime, *, accepted: bool = True) -> Subject:
    """Return the documents after a drill was performed and recorded.

    A due time that is written moves as `drills record` moves it on demand.

    Args:
        subject: The documents; the schedule can be read.
        at: When it is performed.
        accepted: Whether it meets every criterion.
    """
    schedule, source = subject.document, subject.schedule
    assert schedule, "a schedule that cannot be read has no drills"  # noqa: S101 - the caller looked
    loaded = subject.history or Loaded[History]("simulated history")
    history = loaded.document or History(HISTORY_SCHEMA, schedule.environment)
    drill = _make_drill(schedule, len(history.drills) + 1, at, accepted=accepted)
    history = msgspec.structs.replace(history, drills=(*history.drills, drill))
    new_due_at = find_written_due(schedule, history, now=at)
    if new_due_at and schedule.next_due_at and new_due_at > schedule.next_due_at and source:
        moved = msgspec.structs.replace(schedule, next_due_at=new_due_at)
        source = msgspec.structs.replace(source, document=moved)
    recorded = msgspec.structs.replace(loaded, document=history, problem="")
    return msgspec.structs.replace(subject, schedule=source, history=recorded)


def _make_drill(schedule: Schedule, number: int, at: datetime, *, accepted: bool) -> Drill:
    return Drill(
        drill_id=f"simulated-{number}",
        executed_at=at,
        actor=_ACTOR,
        source_mode="promoted",
        target_mode="disabled",
        status="pass" if accepted else "fail",
        fallback_verified=True,
        recovery_minutes=0,
        max_recovery_minutes=0,
        runbook_ref=schedule.runbook_ref or _ACTOR,
        evidence_refs=(_ACTOR,),
    )
