"""Says whether production may rely on the rollback: the checks of all drills, with the reports of each."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.gate.document import GateCheck, ReportList, Section
from rollback_drills.gate.drill_checks import (
    HISTORY_CHECK,
    SCHEDULE_CHECK,
    drill_checks,
    find_states,
    is_unproven,
)
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import HistoryReport, ScheduleReport
from rollback_drills.readiness.states import Mode, Readiness, worst


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
    return _write(judgements, is_unproven=is_unproven(judgements))


def readiness_page(judgements: Sequence[Judgement], *, limit: int, offset: int) -> ProductionReadiness:
    """Write the checks of some of several schedules, those first that block; the status is that of all."""
    unproven = is_unproven(judgements)
    states = [tuple(find_states(each, is_unproven=unproven)) for each in judgements]
    blocking_first = sorted(
        range(len(judgements)), key=lambda place: all(state.acceptable for state in states[place])
    )
    shown = [judgements[place] for place in blocking_first[offset : offset + limit]]
    some = _write(shown or judgements[:1], is_unproven=unproven)
    status = worst(state for each in states for state in each)
    return msgspec.structs.replace(
        some,
        checks=some.checks if shown else (),
        status=status,
        acceptable=status.acceptable,
        total=len(judgements),
        limit=limit,
        offset=offset,
    )


def _write(judgements: Sequence[Judgement], *, is_unproven: bool) -> ProductionReadiness:
    caller = judgements[0].schedule_report
    checks = tuple(drill_checks(judgements, is_unproven=is_unproven))
    status = worst(each.state for each in checks)
    return ProductionReadiness(
        generated_at=caller.generated_at,
        generated_by=caller.generated_by,
        mode=caller.mode,
        status=status,
        acceptable=status.acceptable,
        checks=checks,
        go_backend_rollback_drill_history=history_section(judgements, checks),
        go_backend_rollback_drill_schedule=schedule_section(judgements, checks),
    )


def history_section(judgements: Sequence[Judgement], checks: Sequence[GateCheck]) -> Section:
    """Return the report behind the check of the history, or those of several schedules with their status."""
    return _join([each.history_report for each in judgements], checks, HISTORY_CHECK)


def schedule_section(judgements: Sequence[Judgement], checks: Sequence[GateCheck]) -> Section:
    """Return the report behind the check of the schedule, or those of several schedules with their status."""
    return _join([each.schedule_report for each in judgements], checks, SCHEDULE_CHECK)


def _join(
    reports: Sequence[HistoryReport] | Sequence[ScheduleReport], checks: Sequence[GateCheck], check_id: str
) -> Section:
    """Join the reports of several schedules; their status is that of the checks: a retired one has fewer."""
    if len(reports) == 1:
        return reports[0]
    return ReportList(worst(each.state for each in checks if each.id == check_id), tuple(reports))
