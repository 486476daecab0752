"""Judges a drill schedule: the schedule report of contract §3."""

from datetime import datetime, timedelta
from typing import Any, Final

from rollback_drills import PRODUCT
from rollback_drills.documents.explaining import state
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.reading import Loaded
from rollback_drills.documents.schedule import SCHEDULE_SCHEMA, DuePolicy, Schedule
from rollback_drills.readiness.checks import Checklist
from rollback_drills.readiness.due import DAY
from rollback_drills.readiness.terms import Criteria, Mode, Readiness, Report, tidy

SCHEDULE_REPORT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-schedule.v1"
_NO_SCHEDULE: Final = Schedule()
_ON_TIME: Final = timedelta(0)
_NOT_CONFIGURED: Final = "no drill schedule is configured; set CAVRA_GO_ROLLBACK_DRILL_SCHEDULE or --schedule"
_ACTIVE: Final = "go_rollback_drill_schedule_active"
_CADENCE: Final = "go_rollback_drill_schedule_cadence"
_NEXT_DUE: Final = "go_rollback_drill_schedule_next_due"
_NOT_STALE: Final = "go_rollback_drill_schedule_not_stale"
_ROUTES: Final = "go_rollback_drill_notification_routes"
_NO_DUE_INSTANT: Final = (
    "$.next_due_at is missing and no accepted drill tells when the next is due; write it, or perform a drill"
)
_NO_SEQUENCE: Final = "$.next_due_at is missing, with which the fixed sequence begins; write it"
_CHECKLIST: Final = Checklist(
    "go_rollback_drill_schedule",
    "a drill schedule",
    {
        _ACTIVE: "the schedule is active",
        _CADENCE: "the interval is a number of days greater than 0",
        _NEXT_DUE: "it is known when the next drill is due",
        _NOT_STALE: "the drill is not overdue",
        _ROUTES: "owners and providers are named",
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
    problem = _find_problem(source, section)
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
        "checks": _CHECKLIST.fill_in(source, section, _find(source, section), requested=requested),
        "schedule": section,
        "history": history_report["history"],
        "operator_notes": [_note(status, section)],
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
    cadence_valid = interval is not None and interval > 0
    stale = left is None or left < _ON_TIME  # at the due instant a drill is due, not late
    return {
        "valid": False,
        "schema_version": schedule.schema_version,
        "schedule_id": schedule.schedule_id,
        "environment": schedule.environment,
        "status": schedule.status,
        "active": schedule.status == "active",
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


def _find_problem(source: Loaded[Schedule] | None, section: dict[str, Any]) -> str:
    """Say what keeps the schedule from being valid, the most basic reason first; empty if nothing does."""
    if source is None:
        return _NOT_CONFIGURED
    if source.document is None:
        return source.problem
    if section["schema_version"] != SCHEDULE_SCHEMA:
        fault = _fault(section, "schema_version", f'must be "{SCHEDULE_SCHEMA}"')
    elif not section["schedule_id"]:
        fault = _fault(section, "schedule_id", "give the schedule a name")
    elif not section["active"]:
        fault = _find_faults(source.document, section)[_ACTIVE]
    elif not section["cadence_valid"]:
        fault = _find_faults(source.document, section)[_CADENCE]
    elif not section["notification_routes_valid"]:
        fault = _find_faults(source.document, section)[_ROUTES]
    elif not section["runbook_ref"]:
        fault = _fault(section, "runbook_ref", "name the runbook to follow")
    elif not section["next_due_at"]:
        fault = _find_faults(source.document, section)[_NEXT_DUE]
    elif section["stale"]:
        fault = f"the drill was due {section['next_due_at']}"
    else:
        return ""
    return f"{source.path}: {fault}"


def _find(source: Loaded[Schedule] | None, section: dict[str, Any]) -> dict[str, str]:
    """Give, by the id of the check, what the schedule misses, or what keeps it from being known."""
    if section["valid"]:
        return {}
    if source is None or source.document is None:
        return dict.fromkeys(_CHECKLIST.facts, section["message"])
    return {name: f"{source.path}: {fault}" for name, fault in _find_faults(source.document, section).items()}


def _find_faults(schedule: Schedule, section: dict[str, Any]) -> dict[str, str]:
    """Give, by the id of the check, place, value and demand of what the schedule misses."""
    faults = {}
    if not section["active"]:
        faults[_ACTIVE] = _fault(section, "status", 'must be "active"')
    if not section["cadence_valid"]:
        written = {"interval_days": tidy(schedule.interval_days)}
        faults[_CADENCE] = _fault(written, "interval_days", "must be a number of days greater than 0")
    if not section["next_due_at"]:
        is_fixed = section["due_policy"] == DuePolicy.FIXED_SEQUENCE
        faults[_NEXT_DUE] = faults[_NOT_STALE] = _NO_SEQUENCE if is_fixed else _NO_DUE_INSTANT
    elif section["stale"]:
        late = f"{-section['days_until_due']:.2f} days ago"
        faults[_NOT_STALE] = f"the drill was due {section['next_due_at']}, {late}; perform it"
    if not section["notification_routes_valid"]:
        missing = "notification_providers" if section["owners"] else "owners"
        faults[_ROUTES] = _fault(section, missing, "name at least one")
    return faults


def _fault(section: dict[str, Any], key: str, demand: str) -> str:
    return f"$.{key} {state(section[key])}; {demand}"


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
