"""Checks the drills of a release: a check for each report of a schedule, and what failed in it."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollback_drills.gate.document import Finding, GateCheck
from rollback_drills.readiness.cycle import NOT_CONFIGURED
from rollback_drills.readiness.history_faults import WARNINGS
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import Check
from rollback_drills.readiness.schedule_faults import ACTIVE, FAR_START
from rollback_drills.readiness.states import Mode, Readiness

HISTORY_CHECK: Final = "go_backend_rollback_drill_history"
SCHEDULE_CHECK: Final = "go_backend_rollback_drill_schedule"
NOTHING_LEFT: Final = "no schedule is left that proves the rollback"
_WARNINGS: Final = WARNINGS | {FAR_START}


def is_unproven(judgements: Sequence[Judgement]) -> bool:
    """Return whether every schedule is retired, so that nothing proves what is promoted.

    A retired schedule asks for nothing, but the last one cannot be retired to get a release through the gate.
    """
    is_promoted = any(each.schedule_report.mode is Mode.PROMOTED for each in judgements)
    return is_promoted and are_retired(judgements)


def are_retired(judgements: Sequence[Judgement]) -> bool:
    """Return whether every schedule is retired."""
    return all(each.cycle.retired for each in judgements)


def drill_checks(judgements: Sequence[Judgement], *, is_unproven: bool) -> Iterator[GateCheck]:
    """Yield the check of the history and that of the schedule, for each schedule.

    Args:
        judgements: Those of all schedules, or of some.
        is_unproven: Whether no schedule of all is left that proves the rollback.
    """
    for each in judgements:
        if each.cycle.retired:
            yield _check_retired(each, is_unproven=is_unproven)
            continue
        name, history, schedule = name_schedule(each), each.history_report, each.schedule_report
        yield summarise(
            HISTORY_CHECK,
            history.status,
            history.checks,
            path=history.rollback_drill_history_path,
            message=history.history.message,
            schedule_id=name,
        )
        yield summarise(
            SCHEDULE_CHECK,
            schedule.status,
            schedule.checks,
            path=schedule.rollback_drill_schedule_path,
            message=schedule.schedule.message,
            schedule_id=name,
        )


def find_states(judgement: Judgement, *, is_unproven: bool) -> Iterator[Readiness]:
    """Yield the states of the checks of a schedule, without their texts."""
    if judgement.cycle.retired:
        yield _state_of_retired(is_unproven=is_unproven)
        return
    yield judgement.history_report.status
    yield judgement.schedule_report.status


def _state_of_retired(*, is_unproven: bool) -> Readiness:
    return Readiness.NEEDS_ATTENTION if is_unproven else Readiness.NOT_REQUESTED


def name_schedule(judgement: Judgement) -> str:
    """Return the schedule that a check is about; empty if none is configured."""
    name = judgement.cycle.schedule_id
    return "" if name == NOT_CONFIGURED else name


def _check_retired(judgement: Judgement, *, is_unproven: bool) -> GateCheck:
    """Return the check of a retired schedule; it fails if no other schedule proves the rollback."""
    message = judgement.cycle.retired
    if is_unproven:
        message += f"; {NOTHING_LEFT}"
    return GateCheck(
        id=SCHEDULE_CHECK,
        status="warn" if is_unproven else "pass",
        state=_state_of_retired(is_unproven=is_unproven),
        schedule_id=judgement.cycle.schedule_id,
        path=judgement.schedule_report.rollback_drill_schedule_path,
        message=message,
        failed_check=ACTIVE if is_unproven else "",
        findings=(Finding(ACTIVE, message),) if is_unproven else (),
    )


def summarise(
    check_id: str,
    state: Readiness,
    checks: Sequence[Check],
    *,
    path: str,
    message: str,
    schedule_id: str = "",
) -> GateCheck:
    """Sum up a report as one check.

    Args:
        check_id: What the check is called.
        state: The state that the report found.
        checks: The checks of the report.
        path: The path of the document; empty if none is configured.
        message: What the report says about the document as a whole.
        schedule_id: The schedule that it is about; empty if it is about the backend as a whole.
    """
    findings = _find(checks) if state is not Readiness.NOT_REQUESTED else ()
    failed = None if state.acceptable else next((each for each in findings if _is_fact(each.id)), findings[0])
    return GateCheck(
        id=check_id,
        status="pass" if state.acceptable else "warn",
        state=state,
        schedule_id=schedule_id,
        path=path,
        message=failed.message if failed else _explain(state, message),
        failed_check=failed.id if failed else "",
        findings=findings,
    )


def _explain(state: Readiness, message: str) -> str:
    return "not asked for" if state is Readiness.NOT_REQUESTED else message


def _find(checks: Sequence[Check]) -> tuple[Finding, ...]:
    """Return the checks that fail; that of the document alone where every fact fails because of it."""
    failed = tuple(Finding(each.id, each.message) for each in checks if each.fails)
    facts = {each.message for each in checks if _is_fact(each.id)}
    return failed[:1] if failed and facts == {failed[0].message} else failed


def _is_fact(check_id: str) -> bool:
    return not check_id.endswith(("_requested", "_file", "_timestamps")) and check_id not in _WARNINGS
