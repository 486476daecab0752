"""Moves the written due instant of an explicit schedule after an accepted drill."""

from dataclasses import dataclass, replace
from datetime import datetime

from rollback_drills.documents.cadences.interval_cadence import DuePolicy
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import Loaded, parse_document, read_bytes
from rollback_drills.documents.reading.yaml_text import is_yaml
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.readiness.due import find_written_due
from rollback_drills.recording.document import move_due
from rollback_drills.recording.document_file import locked, write_document
from rollback_drills.recording.target import Target


@dataclass(frozen=True, slots=True)
class Advanced:
    """What became of the due instant that is written."""

    to: datetime | None = None
    """Where it is now; None if it was not moved."""
    problem: str = ""
    """Why it was to be moved and was not."""


def check_advance(target: Target) -> None:
    """Ensure that the due instant of a schedule is moved by editing it.

    Raises:
        UsageError: It moves by itself, or cannot be computed, or stands in no file of its own.
    """
    schedule, path = target.schedule, target.source.path
    if schedule.due_policy is not DuePolicy.EXPLICIT:
        raise UsageError(
            f"does not fit {path}: with $.due_policy {schedule.due_policy} drills move the due time;"
            " leave it out",
            field="advance",
        )
    if schedule.next_due_at is None:
        raise UsageError(
            f"does not fit {path}: without $.next_due_at drills move the due time; leave it out",
            field="advance",
        )
    if not schedule.cadence.is_usable:
        raise UsageError(
            f"needs $.interval_days of more than 0 in {path}; write how often drills are due",
            field="advance",
        )
    if not target.source.file or is_yaml(target.source.file):
        what = "YAML" if target.source.file else "no file of its own"
        raise UsageError(f"cannot edit {path}, which is {what}; edit $.next_due_at there", field="advance")


def advance_due(target: Target, history: History, *, now: datetime) -> tuple[Loaded[Schedule], Advanced]:
    """Move `next_due_at` to an interval after the latest accepted drill, never back.

    Args:
        target: The schedule, which `check_advance` has let pass.
        history: The history with the drill.
        now: The instant of the recording.

    Returns:
        The schedule as it is now, and what became of its due instant. What is wrong with the schedule is part
        of it and not raised: the drill is recorded already.
    """
    try:
        return _advance(target, history, now)
    except (DrillsError, OverflowError) as error:
        problem = str(error) if isinstance(error, DrillsError) else "it would leave the year 9999"
        return target.source, Advanced(problem=problem)


def _advance(target: Target, history: History, now: datetime) -> tuple[Loaded[Schedule], Advanced]:
    path, file = target.source.path, target.source.file
    with locked(file) as place:
        previous = read_bytes(file)
        source = parse_document(Schedule, previous, path, name=target.source.name, file=file)
        schedule = source.document
        if schedule is None or schedule.schedule_id != target.schedule.schedule_id:
            raise UsageError(source.problem or f"{path} became another schedule meanwhile")
        check_advance(replace(target, source=source, schedule=schedule))
        new_due_at, due_at = find_written_due(schedule, history, now=now), schedule.next_due_at
        if new_due_at is None or due_at is None:
            return source, Advanced(problem="no drill is accepted")
        if new_due_at <= due_at:
            problem = f"an interval after the latest accepted drill is {write_instant(new_due_at)}, no later"
            return source, Advanced(problem=problem)
        data = move_due(previous, write_instant(new_due_at))
        moved = parse_document(Schedule, data, path, name=source.name, file=file)
        if moved.document is None or moved.document.next_due_at != new_due_at:
            raise DrillsError(
                f"{path} cannot be edited; write $.next_due_at {write_instant(new_due_at)} by hand"
            )
        write_document(place, data, previous)
    return moved, Advanced(to=new_due_at)
