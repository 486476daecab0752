"""Judges a drill schedule: the schedule report of contract §3."""

from datetime import datetime, timedelta
from typing import Any, Final

from rollback_drills import PRODUCT
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.reading import Loaded
from rollback_drills.documents.schedule import DuePolicy, Schedule
from rollback_drills.readiness.checks import Checklist
from rollback_drills.readiness.due import DAY
from rollback_drills.readiness.schedule_faults import (
    ACTIVE,
    CADENCE,
    IS_ACTIVE,
    NEXT_DUE,
    ROUTES,
    find_written_faults,
    has_cadence,
)
from rollback_drills.readiness.terms import Criteria, Mode, Readiness, Report, tidy
from rollback_drills.rendering.relative_time import join_sentences

SCHEDULE_REPORT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-schedule.v1"
_NO_SCHEDULE: Final = Schedule()
_ON_TIME: Final = timedelta(0)
_NOT_CONFIGURED: Final = "no drill schedule is configured; set CAVRA_GO_ROLLBACK_DRILL_SCHEDULE or --schedule"
_NOT_STALE: Final = "go_rollback_drill_schedule_not_stale"
_CHECKLIST: Final = Checklist(
    "go_rollback_drill_schedule",
    "a drill schedule",
    {
        ACTIVE: "the schedule is active",
        CADENCE: "the interval is a number of days greater than 0",
        NEXT_DUE: "it is known when the next drill is due",
        _NOT_STALE: "the drill is not overdue",
        ROUTES: "owners and providers are named",
    },
)


def report_schedule(
    source: Loaded[Schedule] | None,
    due_at: datetime | None,
    history_report: Report,
    criteria: Criteria,
    *,
    now: datetime,
    generated_by: str = "cli",
) -> Report:
    """Judge the schedule at an instant.

    Args:
        source: What was found at the configured path; None if no path is configured.
        due_at: The due instant in UTC as `derive_due` gives it; None if it is not known.
        history_report: What `report_history` said of the history.
        criteria: The mode and how early a drill counts as due soon.
        now: The instant of the judgement, aware.
        generated_by: Who asked, for the report.
    """
    schedule = (source.document if source else None) or _NO_SCHEDULE
    section = _describe(schedule, due_at, criteria, now=now)
    if source is None or source.document is None:
        problem = source.problem if source else _NOT_CONFIGURED
        faults = dict.fromkeys(_CHECKLIST.facts, problem)
    else:
        faults = _find_faults(source, schedule, section, history_report)
        problem = next(iter(faults.values()), "")
    section["valid"] = not problem
    section["message"] = problem or f"the next drill is due {section['next_due_at']}"
    requested = source is not None or criteria.mode is Mode.PROMOTED
    status = _classify(section, requested=requested)
    return {
        "schema_version": SCHEDULE_REPORT_SCHEMA,
        "product": PRODUCT,
        "generated_at": history_report["generated_at"],
        "generated_by": generated_by,
        "mode": criteria.mode,
        "status": status,
        "rollback_drill_schedule_path": source.path if source else "",
        "rollback_drill_due_soon_days": criteria.due_soon_days,
        "rollback_drill_history_path": history_report["rollback_drill_history_path"],
        "checks": _CHECKLIST.fill_in(source, section, _add_age(faults, section), requested=requested),
        "schedule": section,
        "history": history_report["history"],
        "warnings": history_report["warnings"],
        "operator_notes": _write_notes(status, section, history_report["warnings"]),
    }


def _classify(section: dict[str, Any], *, requested: bool) -> Readiness:
    if not requested:
        return Readiness.NOT_REQUESTED
    if not section["valid"]:
        return Readiness.NEEDS_ATTENTION
    return Readiness.DUE_SOON if section["due_soon"] else Readiness.READY


def _describe(
    schedule: Schedule, due_at: datetime | None, criteria: Criteria, *, now: datetime
) -> dict[str, Any]:
    """Write the facts of the schedule and how far away its due instant is."""
    left = due_at - now if due_at else None
    interval = tidy(schedule.interval_days)
    cadence_valid = has_cadence(schedule)
    stale = left is None or left < _ON_TIME  # at the due instant a drill is due, not late
    return {
        "valid": False,
        "schema_version": schedule.schema_version,
        "schedule_id": schedule.schedule_id,
        "environment": schedule.environment,
        "status": schedule.status,
        "active": schedule.status == IS_ACTIVE,
        "cadence_valid": cadence_valid,
        "interval_days": interval if cadence_valid else None,  # the check shows what was written
        "due_policy": schedule.due_policy,
        "next_due_at": write_instant(due_at) if due_at else "",
        "days_until_due": left / DAY if left is not None else None,
        "stale": stale,
        "due_soon": not stale and left is not None and left <= criteria.due_soon,
        "notification_routes_valid": bool(schedule.owners and schedule.notification_providers),
        "owners": list(schedule.owners),
        "notification_providers": list(schedule.notification_providers),
        **schedule.routing_to_wire(),
        "runbook_ref": schedule.runbook_ref,
        "message": "",
    }


def _find_faults(
    source: Loaded[Schedule], schedule: Schedule, section: dict[str, Any], history_report: Report
) -> dict[str, str]:
    """Return, by the id of a check or a key, file, path and remedy of each fault, the most basic first."""
    written = find_written_faults(schedule)
    faults = {key: f"{source.path}: {fault}" for key, fault in written.items()} if written else written
    due = section["next_due_at"]
    if not due:
        faults[_NOT_STALE] = faults.setdefault(NEXT_DUE, _explain_no_due_time(source, history_report))
    elif section["stale"]:
        faults[_NOT_STALE] = (
            _blame_history(source, schedule, section, history_report)
            or f"{source.path}: the drill was due {due}"
        )
    return faults


def _add_age(faults: dict[str, str], section: dict[str, Any]) -> dict[str, str]:
    """Add to the check how late the drill is; the message stays the same from run to run."""
    if _NOT_STALE not in faults or section["days_until_due"] is None:
        return faults
    late = f"{-section['days_until_due']:.2f} days ago"
    return faults | {_NOT_STALE: f"{faults[_NOT_STALE]}, {late}; perform it"}


def _explain_no_due_time(source: Loaded[Schedule], history_report: Report) -> str:
    """Explain why there is no due time; a fault of the history comes first, because it has to be fixed."""
    if history_report["rollback_drill_history_path"]:
        cause = next(iter(history_report["warnings"]), "") or history_report["history"]["message"]
        return join_sentences(
            cause, f"{source.path} has no $.next_due_at, and no accepted drill to derive it from"
        )
    return (
        f"{source.path}: $.next_due_at is missing, and the schedule has no drill history to derive it from;"
        " set next_due_at, or add the history"
    )


def _blame_history(
    source: Loaded[Schedule], schedule: Schedule, section: dict[str, Any], history_report: Report
) -> str:
    """Name the fault of the history that the due time is derived from; empty if there is none."""
    is_derived = schedule.next_due_at is None or schedule.due_policy is not DuePolicy.EXPLICIT
    if not history_report["warnings"] or not is_derived:
        return ""
    due = f"By the accepted drills, the drill of {source.path} was due {section['next_due_at']}"
    return join_sentences(history_report["warnings"][0], due)


def _write_notes(status: Readiness, section: dict[str, Any], warnings: list[str]) -> list[str]:
    note = _note(status, section)
    if not warnings:
        return [note]
    return [note, *(warning for warning in warnings if warning not in note)]


def _note(status: Readiness, section: dict[str, Any]) -> str:
    match status:
        case Readiness.NEEDS_ATTENTION:
            return str(section["message"])
        case Readiness.READY:
            return f"Nothing to do before {section['next_due_at']}."
        case Readiness.DUE_SOON:
            return f"Perform the drill of {section['runbook_ref']} before {section['next_due_at']}."
        case Readiness.NOT_REQUESTED:
            return "Nothing is asked for: name a schedule, or set the mode to promoted."
