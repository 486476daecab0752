"""Says whether production may rely on the rollback: a check for each report, and what failed in it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rollback_drills import PRODUCT
from rollback_drills.readiness.cycle import NOT_CONFIGURED
from rollback_drills.readiness.history_faults import WARNINGS
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.terms import Readiness, Report, worst

PRODUCTION_READINESS_SCHEMA: Final = "rollback-drills.production-readiness.v1"
HISTORY_SECTION: Final = "go_backend_rollback_drill_history"
SCHEDULE_SECTION: Final = "go_backend_rollback_drill_schedule"


def production_readiness(judgements: Sequence[Judgement]) -> Report:
    """Write the two drill checks of production readiness, for each of one or more schedules.

    `ready`, `due_soon` and `not_requested` are acceptable (contract §3). A section is the report itself, or
    `{status, items}` for several schedules.
    """
    checks = list(drill_checks(judgements))
    status = worst(Readiness(each["state"]) for each in checks)
    return {
        "schema_version": PRODUCTION_READINESS_SCHEMA,
        "product": PRODUCT,
        **caller_of(judgements),
        "status": status,
        "acceptable": status.acceptable,
        "checks": checks,
        **drill_sections(judgements),
    }


def caller_of(judgements: Sequence[Judgement]) -> Report:
    """Give what all judgements of a run have in common: who asked, when, and in which mode."""
    return {key: judgements[0].schedule[key] for key in ("generated_at", "generated_by", "mode")}


def drill_checks(judgements: Sequence[Judgement]) -> Iterator[Report]:
    """Give the check of the history and that of the schedule, for each schedule."""
    for each in judgements:
        name = "" if each.cycle.schedule_id == NOT_CONFIGURED else each.cycle.schedule_id
        history = each.history, "history", "rollback_drill_history_path"
        yield summarise(HISTORY_SECTION, *history, schedule_id=name)
        schedule = each.schedule, "schedule", "rollback_drill_schedule_path"
        yield summarise(SCHEDULE_SECTION, *schedule, schedule_id=name)


def drill_sections(judgements: Sequence[Judgement]) -> Report:
    """Give the reports behind the drill checks."""
    return {
        HISTORY_SECTION: _section([each.history for each in judgements]),
        SCHEDULE_SECTION: _section([each.schedule for each in judgements]),
    }


def _section(reports: Sequence[Report]) -> Report:
    if len(reports) == 1:
        return reports[0]
    return {"status": worst(Readiness(each["status"]) for each in reports), "items": list(reports)}


def summarise(check_id: str, report: Report, section: str, path: str, *, schedule_id: str = "") -> Report:
    """Sum up a report as one check.

    Args:
        check_id: What the check is called.
        report: The report.
        section: The key of the facts in the report.
        path: The key of the path in the report.
        schedule_id: The schedule that it is about; empty if it is about the backend as a whole.
    """
    state = Readiness(report["status"])
    findings = _find(report["checks"]) if state is not Readiness.NOT_REQUESTED else []
    failed = None if state.acceptable else next(filter(_is_fact, findings), findings[0])
    return {
        "id": check_id,
        "status": "pass" if state.acceptable else "warn",
        "state": state,
        "schedule_id": schedule_id,
        "path": report[path],
        "message": failed["message"] if failed else _explain(state, report[section]),
        "failed_check": failed["id"] if failed else "",
        "findings": findings,
    }


def _explain(state: Readiness, section: Report) -> str:
    if state is Readiness.NOT_REQUESTED:
        return "not asked for"
    return str(section["message"])


def _find(checks: Sequence[Report]) -> list[dict[str, Any]]:
    """Give the checks that fail; that of the document alone where every fact fails because of it."""
    failed = [{key: each[key] for key in ("id", "message")} for each in checks if each["status"] == "warn"]
    facts = {each["message"] for each in checks if _is_fact(each)}
    return failed[:1] if failed and facts == {failed[0]["message"]} else failed


def _is_fact(check: Report) -> bool:
    return not check["id"].endswith(("_requested", "_file", "_timestamps")) and check["id"] not in WARNINGS
