"""Judges a drill schedule: the schedule report of contract §3."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from rollback_drills import PRODUCT
from rollback_drills.documents.explaining import show
from rollback_drills.documents.reading import Loaded
from rollback_drills.documents.schedule import SCHEDULE_SCHEMA, Schedule
from rollback_drills.readiness.due import DAY
from rollback_drills.readiness.terms import Criteria, Mode, Readiness, Report, check, tidy

SCHEDULE_REPORT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-schedule.v1"
_NO_SCHEDULE: Final = Schedule()
_UNKNOWN_DUE: Final = (
    "$.next_due_at is missing and no accepted drill tells when the next is due; write it, or perform a drill"
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
    requested = source is not None or criteria.mode is Mode.PROMOTED
    schedule = (source.document if source else None) or _NO_SCHEDULE
    section = _describe(source, schedule, due_at, criteria, now=now)
    status = _classify(section, requested=requested)
    return {
        "schema_version": SCHEDULE_REPORT_SCHEMA,
        "product": PRODUCT,
        "generated_at": now.isoformat(),
        "generated_by": generated_by,
        "mode": str(criteria.mode),
        "status": str(status),
        "rollback_drill_schedule_path": source.path if source else "",
        "rollback_drill_due_soon_days": tidy(criteria.due_soon_days),
        "checks": list(_checks(source, section, requested=requested)),
        "schedule": section,
        "history": history_report["history"],
        "operator_notes": _notes(status, section),
    }


def _classify(section: dict[str, Any], *, requested: bool) -> Readiness:
    if not requested:
        return Readiness.NOT_REQUESTED
    if not section["valid"]:
        return Readiness.NEEDS_ATTENTION
    return Readiness.DUE_SOON if section["due_soon"] else Readiness.READY


def _describe(
    source: Loaded[Schedule] | None,
    schedule: Schedule,
    due_at: datetime | None,
    criteria: Criteria,
    *,
    now: datetime,
) -> dict[str, Any]:
    left = due_at - now if due_at else None
    stale = left is None or left < timedelta(0)  # at the due instant a drill is due, not late
    section = {
        "valid": False,
        "schema_version": schedule.schema_version,
        "schedule_id": schedule.schedule_id,
        "environment": schedule.environment,
        "status": schedule.status,
        "active": schedule.status == "active",
        "cadence_valid": schedule.interval_days is not None and schedule.interval_days > 0,
        "interval_days": tidy(schedule.interval_days),
        "next_due_at": due_at.isoformat() if due_at else "",
        "days_until_due": left / DAY if left is not None else None,
        "stale": stale,
        "due_soon": not stale and left is not None and left <= timedelta(days=criteria.due_soon_days),
        "notification_routes_valid": bool(schedule.owners and schedule.notification_providers),
        "owners": list(schedule.owners),
        "notification_providers": list(schedule.notification_providers),
        **schedule.routing_to_wire(),
        "runbook_ref": schedule.runbook_ref,
    }
    problem = _find_problem(source, section)
    section["valid"] = not problem
    section["message"] = problem or f"the next drill is due {section['next_due_at']}"
    return section


def _find_problem(source: Loaded[Schedule] | None, section: dict[str, Any]) -> str:
    """Say what keeps the schedule from being valid, the most basic reason first; empty if nothing does."""
    if source is None:
        return "no drill schedule is configured; set CAVRA_GO_ROLLBACK_DRILL_SCHEDULE or --schedule"
    if source.document is None:
        return source.problem
    for well, key, demand in (
        (section["schema_version"] == SCHEDULE_SCHEMA, "schema_version", f'must be "{SCHEDULE_SCHEMA}"'),
        (section["schedule_id"], "schedule_id", "give the schedule a name"),
        (section["active"], "status", _ACTIVE_DEMAND),
        (section["cadence_valid"], "interval_days", _CADENCE_DEMAND),
        (section["owners"], "owners", _ROUTES_DEMAND),
        (section["notification_providers"], "notification_providers", _ROUTES_DEMAND),
        (section["runbook_ref"], "runbook_ref", "name the runbook to follow"),
    ):
        if not well:
            return f"{source.path}: {_finding(section, key, demand)}"
    if not section["next_due_at"]:
        return f"{source.path}: {_UNKNOWN_DUE}"
    return f"{source.path}: the drill was due {section['next_due_at']}" if section["stale"] else ""


_ACTIVE_DEMAND: Final = 'must be "active"'
_CADENCE_DEMAND: Final = "must be a number of days greater than 0"
_ROUTES_DEMAND: Final = "name at least one"


def _finding(section: dict[str, Any], key: str, demand: str) -> str:
    return f"$.{key} is {show(section[key])}; {demand}"


def _checks(
    source: Loaded[Schedule] | None, section: dict[str, Any], *, requested: bool
) -> Iterator[dict[str, str]]:
    asked = (
        "a drill schedule is asked for"
        if requested
        else "not asked for: no path, and the mode is not promoted"
    )
    yield check("go_rollback_drill_schedule_requested", requested, asked)
    yield check("go_rollback_drill_schedule_file", section["valid"], section["message"])
    usable = source is not None and source.document is not None
    if source is not None and source.without_offset:
        finding = (
            f"{source.path}: read as UTC, because there is no offset: {', '.join(source.without_offset)}"
        )
        yield check("go_rollback_drill_schedule_timestamps", False, finding)
    for check_id, passed, message in _judge_content(section):
        if not usable or source is None:
            yield check(check_id, passed, section["message"])
        else:
            yield check(check_id, passed, message if passed else f"{source.path}: {message}")


def _judge_content(section: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    active, cadence, due = section["active"], section["cadence_valid"], section["next_due_at"]
    yield (
        "go_rollback_drill_schedule_active",
        active,
        "the schedule is active" if active else _finding(section, "status", _ACTIVE_DEMAND),
    )
    yield (
        "go_rollback_drill_schedule_cadence",
        cadence,
        f"a drill every {section['interval_days']} days"
        if cadence
        else _finding(section, "interval_days", _CADENCE_DEMAND),
    )
    yield (
        "go_rollback_drill_schedule_next_due",
        bool(due),
        f"the next drill is due {due}" if due else _UNKNOWN_DUE,
    )
    if not due:
        yield "go_rollback_drill_schedule_not_stale", False, _UNKNOWN_DUE
    elif section["stale"]:
        late = f"the drill was due {due}, {-section['days_until_due']:.2f} days ago; perform it"
        yield "go_rollback_drill_schedule_not_stale", False, late
    else:
        yield "go_rollback_drill_schedule_not_stale", True, f"{section['days_until_due']:.2f} days are left"
    missing = "owners" if not section["owners"] else "notification_providers"
    yield (
        "go_rollback_drill_notification_routes",
        section["notification_routes_valid"],
        "owners and providers are named"
        if section["notification_routes_valid"]
        else _finding(section, missing, _ROUTES_DEMAND),
    )


def _notes(status: Readiness, section: dict[str, Any]) -> list[str]:
    match status:
        case Readiness.NOT_REQUESTED:
            return ["Nothing is asked for: name a schedule, or set the mode to promoted."]
        case Readiness.READY:
            return [f"Nothing to do before {section['next_due_at']}."]
        case Readiness.DUE_SOON:
            return [f"Perform the drill of {section['runbook_ref']} before {section['next_due_at']}."]
        case Readiness.NEEDS_ATTENTION:
            return [section["message"]]
