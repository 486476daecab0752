"""Checks that the rollback is proven for what is promoted now, where a release demands that."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.gate.document import Finding, GateCheck
from rollback_drills.gate.drill_checks import NOTHING_LEFT, are_retired, name_schedule
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness

CURRENT_PROOF: Final = "go_backend_rollback_drill_current_proof"
_STALE: Final = "go_rollback_drill_proves_what_is_promoted"


def check_current_proofs(
    subjects: Sequence[Subject], judgements: Sequence[Judgement], changes_path: str | None
) -> list[GateCheck]:
    """Return, for each schedule, whether an accepted drill came after everything that was promoted.

    A retired schedule is not asked, unless all are: then nothing proves what is promoted.

    Args:
        subjects: The schedules, with the changes that concern them.
        judgements: What was judged, in the same order.
        changes_path: The document of the changes.

    Raises:
        UsageError: No document of changes is configured, so that nobody knows what is promoted.
    """
    if changes_path is None:
        raise UsageError(
            f"needs to know what was promoted; set {VARIABLES['changes']} to the document of the changes",
            field="require_current_proof",
        )
    return list(_check(subjects, judgements))


def _check(subjects: Sequence[Subject], judgements: Sequence[Judgement]) -> Iterator[GateCheck]:
    nothing_left = are_retired(judgements)
    for subject, judgement in zip(subjects, judgements, strict=True):
        if judgement.cycle.retired and not nothing_left:
            continue
        problem = _find_problem(subject, judgement)
        yield GateCheck(
            id=CURRENT_PROOF,
            status="warn" if problem else "pass",
            state=Readiness.NEEDS_ATTENTION if problem else Readiness.READY,
            schedule_id=name_schedule(judgement),
            path=judgement.history_report.rollback_drill_history_path,
            message=problem or "no change since the latest accepted drill",
            failed_check=_STALE if problem else "",
            findings=(Finding(_STALE, problem),) if problem else (),
        )


def _find_problem(subject: Subject, judgement: Judgement) -> str:
    """Return why nothing proves what is promoted; also what keeps anybody from knowing it."""
    if judgement.cycle.retired:
        return f"{judgement.cycle.retired}; {NOTHING_LEFT}"
    if subject.document is None:
        return judgement.schedule.message
    if subject.changes and subject.changes.problem:
        return subject.changes.problem
    change = judgement.schedule.change
    return f"there is {change.describe()}; perform a drill and record it" if change else ""
