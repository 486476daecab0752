"""Judges a drill history: the history report of contract §3."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rollback_drills import PRODUCT
from rollback_drills.documents.explaining import show
from rollback_drills.documents.history import HISTORY_SCHEMA, Drill, History
from rollback_drills.documents.reading import Loaded
from rollback_drills.readiness.due import DAY, find_latest, is_accepted, is_in_future, is_recovery_target_met
from rollback_drills.readiness.terms import Criteria, Mode, Readiness, Report, check, tidy

HISTORY_REPORT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-history.v1"
_NO_HISTORY: Final = History()
_NO_DRILL: Final = Drill()


def report_history(
    source: Loaded[History] | None, criteria: Criteria, *, now: datetime, generated_by: str = "cli"
) -> Report:
    """Judge the history at an instant.

    Args:
        source: What was found at the configured path; None if no path is configured.
        criteria: The mode and the greatest age at which a drill still proves something.
        now: The instant of the judgement, aware.
        generated_by: Who asked, for the report.
    """
    requested = source is not None or criteria.mode is Mode.PROMOTED
    section = _describe(source, criteria, now=now)
    if not requested:
        status = Readiness.NOT_REQUESTED
    else:
        status = Readiness.READY if section["valid"] else Readiness.NEEDS_ATTENTION
    return {
        "schema_version": HISTORY_REPORT_SCHEMA,
        "product": PRODUCT,
        "generated_at": now.isoformat(),
        "generated_by": generated_by,
        "mode": str(criteria.mode),
        "status": str(status),
        "rollback_drill_history_path": source.path if source else "",
        "rollback_drill_max_age_days": tidy(criteria.max_age_days),
        "checks": list(_checks(source, section, criteria, requested=requested)),
        "history": section,
    }


def _describe(source: Loaded[History] | None, criteria: Criteria, *, now: datetime) -> dict[str, Any]:
    history = (source.document if source else None) or _NO_HISTORY
    latest = find_latest(history)
    drill = latest or _NO_DRILL
    age = now - drill.executed_at if drill.executed_at else None
    fresh = (
        age is not None and age <= timedelta(days=criteria.max_age_days) and not is_in_future(drill, now=now)
    )
    problem = _find_problem(source, latest, fresh=fresh, now=now)
    return {
        "valid": not problem,
        "schema_version": history.schema_version,
        "environment": history.environment,
        "drill_count": len(history.drills),
        "latest_drill_id": drill.drill_id,
        "latest_status": drill.status,
        "latest_target_mode": drill.target_mode,
        "latest_executed_at": _utc(drill.executed_at) if drill.executed_at else "",
        "age_days": age / DAY if age is not None else None,
        "fresh": fresh,
        "fallback_verified": drill.fallback_verified,
        "recovery_sla_met": is_recovery_target_met(drill),
        "recovery_minutes": tidy(drill.recovery_minutes),
        "max_recovery_minutes": tidy(drill.max_recovery_minutes),
        "runbook_ref": drill.runbook_ref,
        "evidence_refs": list(drill.evidence_refs),
        "message": problem or "the latest drill is accepted and fresh",
    }


def _find_problem(source: Loaded[History] | None, latest: Drill | None, *, fresh: bool, now: datetime) -> str:
    """Say what keeps the history from being valid, the most basic reason first; empty if nothing does."""
    if source is None:
        return "no drill history is configured; set CAVRA_GO_ROLLBACK_DRILL_HISTORY or --history"
    history = source.document
    if history is None:
        return source.problem
    if history.schema_version != HISTORY_SCHEMA:
        found = show(history.schema_version)
        return f'{source.path}: $.schema_version is {found}; must be "{HISTORY_SCHEMA}"'
    if latest is None:
        return f"{source.path}: $.drills is []; perform a rollback drill and record it"
    if fresh and is_accepted(latest, now=now):
        return ""
    where = f"{source.path}: $.drills[{history.drills.index(latest)}]"
    if latest.executed_at is None:
        return f"{where}.executed_at is missing; write when the drill was performed"
    if not latest.runbook_ref:
        return f'{where}.runbook_ref is ""; name the runbook that was followed'
    if not latest.evidence_refs:
        return f"{where}.evidence_refs is []; name the evidence that was kept"
    executed_at = _utc(latest.executed_at)
    if is_in_future(latest, now=now):
        return f"{where}.executed_at is {executed_at}; a drill cannot lie in the future"
    if not is_accepted(latest, now=now):
        return f"{where}: the latest drill is not accepted; the checks tell why"
    return f"{where}.executed_at is {executed_at}; the drill is too old, perform a new one"


def _checks(
    source: Loaded[History] | None, section: dict[str, Any], criteria: Criteria, *, requested: bool
) -> Iterator[dict[str, str]]:
    asked = (
        "a drill history is asked for"
        if requested
        else "not asked for: no path, and the mode is not promoted"
    )
    yield check("go_rollback_drill_history_requested", requested, asked)
    yield check("go_rollback_drill_history_file", section["valid"], section["message"])
    if source is not None and source.without_offset:
        finding = (
            f"{source.path}: read as UTC, because there is no offset: {', '.join(source.without_offset)}"
        )
        yield check("go_rollback_drill_history_timestamps", False, finding)
    history = source.document if source else None
    latest = find_latest(history) if history else None
    if source is None or history is None or latest is None:
        for check_id, passed, _ in _judge_latest(section, criteria):
            yield check(check_id, passed, section["message"])
        return
    for check_id, passed, fact in _judge_latest(section, criteria):
        if passed:
            yield check(check_id, passed, f"drill {latest.drill_id}: {fact}")
        else:
            where = f"{source.path}: $.drills[{history.drills.index(latest)}]"
            yield check(check_id, passed, f"{where}.{fact}")


def _judge_latest(section: dict[str, Any], criteria: Criteria) -> Iterator[tuple[str, bool, str]]:
    """Give id, result and message of each check of the latest drill; that of a failure starts with a key."""
    status, mode, age = section["latest_status"], section["latest_target_mode"], section["age_days"]
    yield (
        "go_rollback_drill_latest_passed",
        status == "pass",
        "it passed" if status == "pass" else f'status is {show(status)}; must be "pass"',
    )
    yield (
        "go_rollback_drill_disabled_target",
        mode == "disabled",
        "it ended in disabled mode"
        if mode == "disabled"
        else f'target_mode is {show(mode)}; must be "disabled"',
    )
    verified = section["fallback_verified"]
    yield (
        "go_rollback_drill_fallback_verified",
        verified,
        "the fallback was verified" if verified else "fallback_verified is false; must be true",
    )
    took, limit = section["recovery_minutes"], section["max_recovery_minutes"]
    yield (
        "go_rollback_drill_recovery_sla",
        section["recovery_sla_met"],
        f"recovery took {took} of at most {limit} minutes"
        if section["recovery_sla_met"]
        else f"recovery_minutes is {show(took)}, max_recovery_minutes is {show(limit)};"
        " both are needed, and the first must not exceed the second",
    )
    bound = f"at most {tidy(criteria.max_age_days)} days, and not in the future"
    age_text = "unknown" if age is None else f"{age:.2f} days"
    yield (
        "go_rollback_drill_freshness",
        section["fresh"],
        f"its age is {age_text}; {bound}"
        if section["fresh"]
        else f"executed_at is {show(section['latest_executed_at'])}, so the age is {age_text}; {bound}",
    )


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()
