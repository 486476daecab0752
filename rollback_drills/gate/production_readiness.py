"""Says whether production may rely on the rollback: a check for each report, and what failed in it."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.gate.document import Finding, GateCheck, ReportList, Section
from rollback_drills.readiness.cycle import NOT_CONFIGURED
from rollback_drills.readiness.history_faults import WARNINGS
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import Check, HistoryReport, ScheduleReport
from rollback_drills.readiness.schedule_faults import ACTIVE, FAR_START
from rollback_drills.readiness.states import Mode, Readiness, worst

HISTORY_CHECK: Final = "go_backend_rollback_drill_history"
SCHEDULE_CHECK: Final = "go_backend_rollback_drill_schedule"
_WARNINGS: Final = WARNINGS | {FAR_START}


class ProductionReadiness(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whether production may rely on the rollback."""

    schema_version: str = "rollback-drills.production-readiness.v1"
    product: str = PRODUCT
    generated_at: str
    generated_by: str
    mode: Mode
    status: Readiness
    acceptable: bool
    checks: tuple[GateCheck, ...]
    go_backend_rollback_drill_history: Section
    go_backend_rollback_drill_schedule: Section
    total: int | UnsetType = UNSET
    """Of all schedules, if these are the checks of some; UNSET if they are all."""
    limit: int | UnsetType = UNSET
    offset: int | UnsetType = UNSET


def production_readiness(judgements: Sequence[Judgement]) -> ProductionReadiness:
    """Write the two drill checks of production readiness, for each of one or more schedules.

    `ready`, `due_soon` and `not_requested` are acceptable (contract §3). A section is the report itself, or
    `{status, items}` for several schedules.
    """
    caller = judgements[0].schedule_report
    checks = tuple(drill_checks(judgements))
    status = worst(each.state for each in checks)
    return ProductionReadiness(
        generated_at=caller.generated_at,
        generated_by=caller.generated_by,
        mode=caller.mode,
        status=status,
        acceptable=status.acceptable,
        checks=checks,
        go_backend_rollback_drill_history=history_section(judgements),
        go_backend_rollback_drill_schedule=schedule_section(judgements),
    )


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


def _check_retired(judgement: Judgement, *, is_unproven: bool) -> GateCheck:
    """Return the check of a retired schedule; it fails if no other schedule proves the rollback."""
    message = judgement.cycle.retired
    if is_unproven:
        message += "; no schedule is left that proves the rollback"
    return GateCheck(
        id=SCHEDULE_CHECK,
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
    return not check_id.endswith(("_requested", "_file", "_timestamps")) and check_id not in _WARNINGS
