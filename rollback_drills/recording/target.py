"""Finds the schedule whose drill is recorded, and the history that it is recorded in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rollback_drills.documents.changes import KnownChanges
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.reading.yaml_text import is_yaml
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import Field, UsageError
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.names.keys import find_spelling

_MOST_IDS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Target:
    """Where a drill belongs."""

    source: Loaded[Schedule]
    schedule: Schedule
    """The document that was found; it has an id."""
    history_path: str
    """Where the history lies on this machine."""
    history_shown: str
    """What people see of that."""
    run_paths: tuple[str, str | None]
    """The schedule and the history that a flow run for this schedule is given; those of all if it must be."""
    changes: KnownChanges | None = None
    """What was promoted; None if no document of changes is configured."""


def find_target(
    schedule_path: str | None,
    history_path: str | None,
    schedule_id: str | None,
    changes_path: str | None = None,
) -> Target:
    """Find the one schedule that is meant, and its history.

    Args:
        schedule_path: As every command takes it; of several schedules the id chooses.
        history_path: As every command takes it.
        schedule_id: The schedule that is meant; None if there is only one.
        changes_path: The document of what was promoted; None if there is none.

    Raises:
        UsageError: None or several are meant, the schedule is unusable, or it has no history in a file.
    """
    if schedule_path is None:
        raise no_schedule()
    fleet = load_fleet(schedule_path, history_path, changes_path)
    subject = choose_subject(fleet.subjects, schedule_path, schedule_id)
    return target_of(subject, schedule_path, history_path, is_single=fleet.is_single)


def target_of(subject: Subject, schedule_path: str, history_path: str | None, *, is_single: bool) -> Target:
    """Return where the drills of one schedule belong.

    Args:
        subject: The schedule and its history, as they were read.
        schedule_path: As every command takes it.
        history_path: As every command takes it.
        is_single: Whether `schedule_path` names this schedule alone.

    Raises:
        UsageError: The schedule is unusable, or it has no history in a file.
    """
    source = subject.schedule
    if source is None or source.document is None:
        if source:
            raise UsageError(source.problem)
        raise UsageError(f"{schedule_path} is not a schedule", field="schedule")
    if not source.document.schedule_id:
        raise UsageError(f"{source.path}: $.schedule_id is missing; give the schedule a name")
    if subject.history is None:
        raise _no_history(source.path, is_single=is_single)
    history = subject.history.file
    if not history:  # it is not clear which one it is, or it is a part of something else
        inside = f"{subject.history.path} stands inside a JSON Lines record; move it to a file of its own"
        raise UsageError(subject.history.problem or inside)
    if is_yaml(history):
        raise UsageError(
            f"{subject.history.path} is YAML, which is edited by hand; add the drill there, or convert the"
            " history to JSON",
            field="history",
        )
    run_paths = (source.file, history) if source.file else (schedule_path, history_path)
    shown = subject.history.path
    return Target(source, source.document, history, shown, run_paths, subject.changes)


def choose_subject(subjects: Sequence[Subject], schedule_path: str, schedule_id: str | None) -> Subject:
    """Return the schedule that is meant; of several, the one with the id.

    Raises:
        UsageError: Several are meant, or none has the id; the message lists those that exist.
    """
    documents = ((each, each.schedule.document if each.schedule else None) for each in subjects)
    by_id = {document.schedule_id: each for each, document in documents if document and document.schedule_id}
    if schedule_id is None and len(subjects) == 1:
        return subjects[0]
    if schedule_id is not None and (spelling := find_spelling(schedule_id, by_id)):
        return by_id[spelling]
    ids = sorted(by_id)
    known = ", ".join(map(show, ids[:_MOST_IDS_SHOWN])) + (" …" if len(ids) > _MOST_IDS_SHOWN else "")
    if schedule_id is None:
        raise UsageError(
            f"{schedule_path} has {len(subjects)} schedules; choose one by ",
            Field("schedule_id"),
            f": {known}",
            field="schedule",
        )
    there = f"it has {known}" if known else "it has none that can be used"
    raise UsageError(f"{show(schedule_id)} is not in {schedule_path}; {there}", field="schedule_id")


def no_schedule() -> UsageError:
    """Return the error of a command that needs a schedule, and has none."""
    return UsageError(f"no drill schedule is configured; set {VARIABLES['schedule']} or ", Field("schedule"))


def _no_history(schedule: str, *, is_single: bool) -> UsageError:
    if is_single:
        return UsageError(f"no drill history is configured; set {VARIABLES['history']} or ", Field("history"))
    both = (Field("schedule"), " and ", Field("history"), ", and ", Field("create"))
    return UsageError(f"no history belongs to {schedule}; name both files, ", *both)
