"""Says whether production may rely on the rollback: a check for each report, and what failed in it."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollback_drills import PRODUCT
from rollback_drills.gate.document import Finding, GateCheck, ReportList, Section
from rollback_drills.readiness.cycle import NOT_CONFIGURED
from rollback_drills.readiness.history_faults import WARNINGS
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import Check, HistoryReport, ScheduleReport
from rollback_drills.readiness.schedule_faults import ACTIVE
from rollback_drills.readiness.terms import Mode, Readiness, Report, worst

PRODUCTION_READINESS_SCHEMA: Final = "rollback-drills.production-readiness.v1"
HISTORY_SECTION: Final = "go_backend_rollback_drill_history"
SCHEDULE_SECTION: Final = "go_backend_rollback_drill_schedule"


def production_readiness(judgements: Sequence[Judgement]) -> Report:
    """Write the two drill checks of production readiness, for each of one or more schedules.

    `ready`, `due_soon` and `not_requested` are acceptable (contract §3). A section is the report itself, or
    `{status, items}` for several schedules.
    """
    checks = list(drill_checks(judgements))
    status = worst(each.state for each in checks)
    return {
        "schema_version": PRODUCTION_READINESS_SCHEMA,
        "product": PRODUCT,
        **caller_of(judgements),
        "status": status,
        "acceptable": status.acceptable,
        "checks": checks,
        HISTORY_SECTION: history_section(judgements),
        SCHEDULE_SECTION: schedule_section(judgements),
    }


def caller_of(judgements: Sequence[Judgement]) -> Report:
    """Return what all judgements of a run have in common: who asked, when, and in which mode."""
    report = judgements[0].schedule_report
    return {"generated_at": report.generated_at, "generated_by": report.generated_by, "mode": report.mode}


def drill_checks(judgements: Sequence[Judgement]) -> Iterator[GateCheck]:
    """Yield the check of the history and that of the schedule, for each schedule.

    A retired schedule asks for nothing, but the last one cannot be retired to get a release through the gate.
    """
    is_promoted = any(each.schedule_report.mode is Mode.PROMOTED for each in judgements)
    is_unproven = is_promoted and all(each.cycle.retired for each in judgements)
    for each in judgements:
        if each.cycle.retired:
            yield _check_retired(each, is_unproven=is_unproven)
            continue
        name = "" if each.cycle.schedule_id == NOT_CONFIGURED else each.cycle.schedule_id
        history, schedule = each.history_report, each.schedule_report
        yield summarise(
            HISTORY_SECTION,
            history.status,
            history.checks,
            path=history.rollback_drill_history_path,
            message=history.history.message,
            schedule_id=name,
        )
        yield summarise(
            SCHEDULE_SECTION,
            schedule.status,
            schedule.checks,
            path=schedule.rollback_drill_schedule_path,
            message=schedule.schedule.message,
            schedule_id=name,
        )


def _check_retired(judgement: Judgement, *, is_unproven: bool) -> GateCheck:
    """Return the check of a retired schedule; it fails if no other schedule proves the rollback."""
    message = judgement.cycle.retired
    if is_unproven:
        message += "; no schedule is left that proves the rollback"
    return GateCheck(
        id=SCHEDULE_SECTION,
        status="warn" if is_unproven else "pass",
        state=Readiness.NEEDS_ATTENTION if is_unproven else Readiness.NOT_REQUESTED,
        schedule_id=judgement.cycle.schedule_id,
        path=judgement.schedule_report.rollback_drill_schedule_path,
        message=message,
        failed_check=ACTIVE if is_unproven else "",
        findings=(Finding(ACTIVE, message),) if is_unproven else (),
    )


def history_section(judgements: Sequence[Judgement]) -> Section:
    """Return the report behind the check of the history, or those of several schedules."""
    return _join([each.history_report for each in judgements])


def schedule_section(judgements: Sequence[Judgement]) -> Section:
    """Return the report behind the check of the schedule, or those of several schedules."""
    return _join([each.schedule_report for each in judgements])


def _join(reports: Sequence[HistoryReport] | Sequence[ScheduleReport]) -> Section:
    return (
        reports[0]
        if len(reports) == 1
        else ReportList(worst(each.status for each in reports), tuple(reports))
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
    return not check_id.endswith(("_requested", "_file", "_timestamps")) and check_id not in WARNINGS
