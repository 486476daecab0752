"""Records one performed drill in the history, and judges its schedule before and after."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.reading.reader import (
    LARGEST_DOCUMENT_BYTES,
    Loaded,
    parse_document,
    read_bytes,
)
from rollback_drills.documents.schema_versions import HISTORY_SCHEMAS, history_schema_for, miss_schema
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import DrillsError, Field, UsageError
from rollback_drills.evidence.drills import SeenDrills, find_drills
from rollback_drills.readiness.acceptance import find_problems, is_accepted
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement, find_due, judge
from rollback_drills.recording.document import append_drill, new_history
from rollback_drills.recording.document_file import locked, write_document
from rollback_drills.recording.drill_entry import drill_to_wire
from rollback_drills.recording.retests import RetestRecord, find_retests
from rollback_drills.recording.same_drill import is_recorded, refuse_repeated
from rollback_drills.recording.target import Target
from rollback_drills.recording.written_due import Advanced, advance_due, check_advance


@dataclass(frozen=True, slots=True)
class Recorded:
    """A drill that is in the history now, and what that changed."""

    target: Target
    drill: Drill
    subject: Subject
    """The documents as they are now."""
    before: Judgement
    after: Judgement
    advanced: Advanced
    now: datetime
    is_new: bool = True
    """Whether it was written now; else the history had it already."""

    @property
    def problems(self) -> list[str]:
        """What keeps the drill from being accepted; empty if it is."""
        return find_problems(self.drill, now=self.now)

    @property
    def closes_cycle(self) -> bool:
        """Whether the drill has ended the cycle that the schedule was in."""
        return self.before.cycle.cycle_id != self.after.cycle.cycle_id

    def find_evidence(self, *, created_at: datetime, signer: str) -> SeenDrills:
        """Return what the evidence is to have of the history, each to be written down once.

        Args:
            created_at: The clock of the evidence.
            signer: Who runs, for the records.
        """
        names = [self.target.schedule.schedule_id]
        drills = find_drills([self.subject], names, now=self.now, created_at=created_at, signer=signer)
        return drills.followed_by(self._find_retests(created_at, signer))

    def find_retest(self) -> RetestRecord | None:
        """Return the re-test that the drill calls for; None if it, or one that came after it, is accepted."""
        made = (make() for make in self._find_retests(self.now, "").values())
        return next((each for each in made if each.drill_id == self.drill.drill_id), None)

    def _find_retests(self, created_at: datetime, signer: str) -> dict[str, Callable[[], RetestRecord]]:
        cycle_id = self.after.cycle.cycle_id
        return find_retests(self.subject, cycle_id, now=self.now, created_at=created_at, signer=signer)


def check_documents(target: Target, history: Loaded[History], *, advance: bool = False) -> None:
    """Ensure that a drill can be recorded in documents as they were read, before anything is done for it.

    Args:
        target: Whose drill it is.
        history: The history of the schedule.
        advance: Whether `next_due_at` is to be moved.

    Raises:
        UsageError: The documents do not allow it.
    """
    if advance:
        check_advance(target)
    _check_usable(history)


def record_drill(
    target: Target,
    drill: Drill,
    criteria: Criteria,
    *,
    now: datetime,
    create: bool = False,
    advance: bool = False,
    again: bool = False,
) -> Recorded:
    """Write a drill into the history of a schedule, and judge the schedule before and after it.

    Args:
        target: Whose drill it is.
        drill: What was performed.
        criteria: What the schedule is judged against.
        now: The instant of the recording.
        create: Whether to write a new history if there is none.
        advance: Whether an accepted drill is to move the `next_due_at` of an explicit schedule.
        again: Whether the same drill may arrive twice. It is then recorded once; its evidence is still owed.

    Raises:
        UsageError: The documents do not allow it; nothing was written.
        DifferentDrillError: The history has a drill of the same id that says something else.
        WriteError: The history cannot be written.
    """
    if advance:
        check_advance(target)
    before, after = _append(target, drill, create=create, again=again)
    source, advanced = target.source, Advanced()
    if advance and is_accepted(drill, now=now) and after.document:
        source, advanced = advance_due(target, after.document, now=now)
    old = Subject(target.source, before, target.changes)
    new = Subject(source, after, target.changes)
    return Recorded(
        target=target,
        drill=drill,
        subject=new,
        before=judge(old, find_due(old, now=now), criteria, now=now),
        after=judge(new, find_due(new, now=now), criteria, now=now),
        advanced=advanced,
        now=now,
        is_new=after is not before,
    )


def _append(
    target: Target, drill: Drill, *, create: bool, again: bool
) -> tuple[Loaded[History], Loaded[History]]:
    """Add the drill to the history on disk; return the history before and after, the same if it was there."""
    path, shown = target.history_path, target.history_shown
    if not create:
        _read(path, create=False)  # before a lock file is left beside a path that does not exist
    with locked(path) as place:
        previous = _read(path, create=create)
        if previous is None:
            schema = history_schema_for(target.schedule.schema_version)
            empty = History(schema, target.schedule.environment)
            before = Loaded(shown, empty)
            data = new_history(empty, drill_to_wire(drill))
        else:
            before = parse_document(History, previous, shown, file=path)
            _check_usable(before)
            drills = before.document.drills if before.document else ()
            if again and is_recorded(drill, drills, shown):
                return before, before
            refuse_repeated(drill, drills, shown)
            data = append_drill(previous, drill_to_wire(drill))
        after = parse_document(History, data, shown, file=path)
        _check_added(before, after, drill, len(data))
        write_document(place, data, previous)
    return before, after


def _read(path: str, *, create: bool) -> bytes | None:
    """Read the history; None if there is none and one may be made."""
    if os.path.exists(path):
        return read_bytes(path)
    if create:
        return None
    raise UsageError(f"{path} does not exist; fix the path, or let ", Field("create"), " make the history")


def _check_usable(history: Loaded[History]) -> None:
    if history.document is None:
        raise UsageError(f"{history.problem}; nothing was written")
    if missing := miss_schema(history.document.schema_version, HISTORY_SCHEMAS):
        raise UsageError(f"{history.path}: {missing}")


def _check_added(before: Loaded[History], after: Loaded[History], drill: Drill, size: int) -> None:
    """Ensure that the new document can be read, and says all that the old one did, and the drill."""
    path = before.path
    if size > LARGEST_DOCUMENT_BYTES:
        raise UsageError(f"{path} would have more than {LARGEST_DOCUMENT_BYTES:,} bytes; begin a new history")
    if before.document is None or after.document is None:
        raise DrillsError(f"{after.problem or before.problem}; nothing was written")
    old, new = before.document, after.document
    is_kept = (old.schema_version, old.environment) == (new.schema_version, new.environment)
    if not is_kept or new.drills != (*old.drills, drill):
        raise DrillsError(f"{path} cannot be edited without changing what it says; add the drill by hand")
