"""Judges a drill schedule: the schedule report of contract §3."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import UNSET, UnsetType

from rollback_drills.documents.cadences.cadence import FAR, Cadence, CalendarCadence
from rollback_drills.documents.cadences.calendar_cadence import WrittenCadence
from rollback_drills.documents.cadences.interval_cadence import DAY, DuePolicy
from rollback_drills.documents.changes import KnownChanges
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.time_data import find_holiday_version, find_time_zone_version
from rollback_drills.documents.utc import write_instant
from rollback_drills.documents.written_policy import write_calendars, write_rules, write_windows
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.readiness.checklist import Checklist, list_facts
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.due_faults import (
    NOT_STALE,
    DueFacts,
    explain_change,
    find_blocking,
    find_faults,
    miss_changes,
)
from rollback_drills.readiness.reports import (
    CadenceFacts,
    ChangeFacts,
    HistoryReport,
    ScheduleFacts,
    ScheduleReport,
)
from rollback_drills.readiness.schedule_faults import (
    ACTIVE,
    CADENCE,
    FAR_START,
    IS_ACTIVE,
    NEXT_DUE,
    REQUIREMENTS,
    ROUTES,
)
from rollback_drills.readiness.states import Mode, Readiness

# Python 3.11 looks up members of enumerations slowly, and these are needed for every schedule.
_NEEDS_ATTENTION, _DUE_SOON, _READY = Readiness.NEEDS_ATTENTION, Readiness.DUE_SOON, Readiness.READY
_EXPLICIT: Final = DuePolicy.EXPLICIT
_NO_SCHEDULE: Final = Schedule()
_ON_TIME: Final = timedelta(0)
_ENDED: Final = "the cadence has ended; no drill is due any more"
_NOT_CONFIGURED: Final = f"no drill schedule is configured; set {VARIABLES['schedule']} or give its path"
_BLOCKING: Final = "blocking_severities"
_CHECKLIST: Final = Checklist(
    "go_rollback_drill_schedule",
    "a drill schedule",
    list_facts(REQUIREMENTS) | {NOT_STALE: "the drill is not overdue"},
    order=(ACTIVE, CADENCE, NEXT_DUE, NOT_STALE, ROUTES),
)


def report_schedule(
    source: Loaded[Schedule] | None,
    due_at: datetime | None,
    history_report: HistoryReport,
    criteria: Criteria,
    *,
    now: datetime,
    generated_by: str = "cli",
    known: KnownChanges | None = None,
    change: ChangeFacts | UnsetType = UNSET,
) -> ScheduleReport:
    """Judge the schedule at an instant.

    Args:
        source: What was found at the configured path; None if no path is configured.
        due_at: The due instant in UTC as `derive_due` returns it; None if it is not known.
        history_report: What `report_history` found about the history.
        criteria: The mode and how early a drill counts as due soon.
        now: The instant of the judgement, aware.
        generated_by: Who asked, for the report.
        known: What was promoted; None if no document of changes is configured.
        change: What makes the proof stale; UNSET if nothing does.
    """
    document = source.document if source else None
    left = due_at - now if due_at else None
    has_ended = due_at is None and document is not None and document.cadence.ends
    # at the due instant a drill is due, not late
    stale = not has_ended if left is None else left < _ON_TIME
    due = DueFacts(due_at, write_instant(due_at) if due_at else "", left, stale)
    if source is None or document is None:
        problem = source.problem if source else _NOT_CONFIGURED
        faults = dict.fromkeys(_CHECKLIST.facts, problem)
    else:
        faults = find_faults(source, document, due, history_report, change)
        if document.redrill_after_change_days is not None:
            faults |= miss_changes(source, known)
        if document.blocking_severities and (open_finding := find_blocking(source, history_report)):
            faults[_BLOCKING] = open_finding
        problem = next(iter(faults.values())) if faults else ""
    far = document.cadence.find_far_start(now=now) if document and left and left > FAR else ""
    unlikely = {FAR_START: f"{source.path}: {far}"} if source and far else {}
    warnings = (*history_report.warnings, *unlikely.values()) if unlikely else history_report.warnings
    facts = _write_facts(document or _NO_SCHEDULE, due, problem, criteria, change, has_ended=has_ended)
    requested = source is not None or criteria.mode is Mode.PROMOTED
    status = _classify(facts, requested=requested)
    return ScheduleReport(
        generated_at=history_report.generated_at,
        generated_by=generated_by,
        mode=criteria.mode,
        status=status,
        rollback_drill_schedule_path=source.path if source else "",
        rollback_drill_due_soon_days=criteria.due_soon_days,
        rollback_drill_history_path=history_report.rollback_drill_history_path,
        checks=_CHECKLIST.fill_in(
            source,
            facts.message,
            _add_age(faults, facts),
            valid=facts.valid,
            requested=requested,
            warnings=unlikely,
        ),
        schedule=facts,
        history=history_report.history,
        warnings=warnings,
        operator_notes=_write_notes(status, facts, warnings),
    )


def _classify(facts: ScheduleFacts, *, requested: bool) -> Readiness:
    if not requested:
        return Readiness.NOT_REQUESTED
    if not facts.valid:
        return _NEEDS_ATTENTION
    return _DUE_SOON if facts.due_soon else _READY


def _write_facts(
    schedule: Schedule,
    due: DueFacts,
    problem: str,
    criteria: Criteria,
    change: ChangeFacts | UnsetType,
    *,
    has_ended: bool,
) -> ScheduleFacts:
    """Write the facts of the schedule and how far away its due time is."""
    cadence = schedule.cadence
    is_usable = cadence.is_usable
    is_due_soon = not due.stale and due.left is not None and due.left <= criteria.due_soon
    return ScheduleFacts(  # in the order of the fields: keywords take three times as long
        not problem,
        schedule.schema_version,
        schedule.schedule_id,
        schedule.environment,
        schedule.status,
        schedule.status == IS_ACTIVE,
        is_usable,
        tidy(schedule.interval_days) if is_usable else None,  # the check shows what was written
        schedule.due_policy,
        due.written,
        due.left / DAY if due.left is not None else None,
        due.stale,
        is_due_soon,
        bool(schedule.owners and schedule.notification_providers),
        schedule.owners,
        schedule.notification_providers,
        write_rules(schedule),
        write_windows(schedule),
        write_calendars(schedule),
        schedule.runbook_ref,
        problem or (_ENDED if has_ended else f"the next drill is due {due.written}{explain_change(change)}"),
        _write_cadence(cadence, schedule.written_cadence, due.at, has_ended=has_ended),
        change,
    )


def _write_cadence(
    cadence: Cadence,
    written: WrittenCadence | None,
    due_at: datetime | None,
    *,
    has_ended: bool,
) -> CadenceFacts | UnsetType:
    if written is None or not isinstance(cadence, CalendarCadence):
        return UNSET
    counts_from = cadence.counts_from(due_at) if due_at else None
    has_holidays = bool(cadence.calendar and cadence.calendar.holidays)
    return CadenceFacts(
        cadence.describe(),
        cadence.time_zone,
        has_ended,
        write_instant(counts_from) if counts_from else "",
        cadence.can_be_late,
        find_time_zone_version(),
        find_holiday_version() if has_holidays else "",
        written,
        cadence.calendar or UNSET,
    )


def _add_age(faults: dict[str, str], facts: ScheduleFacts) -> dict[str, str]:
    """Add to the check how late the drill is; the message stays the same from run to run."""
    if NOT_STALE not in faults or facts.days_until_due is None:
        return faults
    late = f"{-facts.days_until_due:.2f} days ago"
    return faults | {NOT_STALE: f"{faults[NOT_STALE]}, {late}; perform it"}


def _write_notes(status: Readiness, facts: ScheduleFacts, warnings: tuple[str, ...]) -> tuple[str, ...]:
    note = _note(status, facts)
    return (note, *[each for each in warnings if each not in note]) if warnings else (note,)


def _note(status: Readiness, facts: ScheduleFacts) -> str:
    if status is _NEEDS_ATTENTION:
        return facts.message
    if status is _READY and not facts.next_due_at:
        return f"Nothing to do: {facts.message}."
    if status is _READY:
        return f"Nothing to do before {facts.next_due_at}."
    if status is _DUE_SOON:
        return f"Perform the drill of {facts.runbook_ref} before {facts.next_due_at}."
    return "Nothing is asked for: name a schedule, or set the mode to promoted."
