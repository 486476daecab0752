"""Says what is wrong with a schedule at an instant: its document, its due time, changes and open findings."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import UnsetType

from rollback_drills.documents.cadences.interval_cadence import DuePolicy
from rollback_drills.documents.calendars.wall_time import LAST_YEAR
from rollback_drills.documents.changes import KnownChanges
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.names.keys import name_key
from rollback_drills.readiness.reports import ChangeFacts, HistoryReport
from rollback_drills.readiness.schedule_faults import NEXT_DUE, find_written_faults
from rollback_drills.rendering.sentences import join_sentences

# Python 3.11 looks up members of enumerations slowly, and this is needed for every schedule.
_EXPLICIT: Final = DuePolicy.EXPLICIT
NOT_STALE: Final = "go_rollback_drill_schedule_not_stale"


class DueFacts(msgspec.Struct, frozen=True, gc=False):
    """How far away the due time is."""

    at: datetime | None
    written: str
    """Empty if it is not known."""
    left: timedelta | None
    stale: bool


def find_faults(
    source: Loaded[Schedule],
    schedule: Schedule,
    due: DueFacts,
    history_report: HistoryReport,
    change: ChangeFacts | UnsetType,
) -> dict[str, str]:
    """Return, by the id of a check or a key, file, path and remedy of each fault, the most basic first."""
    written = find_written_faults(schedule)
    faults = {key: f"{source.path}: {fault}" for key, fault in written.items()} if written else written
    if not due.written and schedule.written_cadence is None:
        faults[NOT_STALE] = faults.setdefault(NEXT_DUE, _explain_no_due_time(source, history_report))
    elif not due.written and due.stale:
        faults[NOT_STALE] = faults[NEXT_DUE] = (
            f"{source.path}: $.cadence has no due time before the year {LAST_YEAR}; let it start earlier"
        )
    elif due.stale:
        faults[NOT_STALE] = (
            _blame_history(source, schedule, due, history_report)
            or f"{source.path}: the drill was due {due.written}{explain_change(change)}"
        )
    return faults


def miss_changes(source: Loaded[Schedule], known: KnownChanges | None) -> dict[str, str]:
    """Return why it is not known which drill is due first, for a schedule that demands one after a change."""
    if known is None:
        missing = (
            f"{source.path}: $.redrill_after_change_days needs to know what was promoted;"
            " set DRILLS_CHANGES to the document of the changes"
        )
        return {NEXT_DUE: missing}
    return {NEXT_DUE: known.problem} if known.problem else {}


def find_blocking(source: Loaded[Schedule], history_report: HistoryReport) -> str:
    """Name the open findings whose severity blocks the schedule; empty if there is none."""
    findings = history_report.history.open_findings
    if source.document is None or not findings:
        return ""
    severities = set(map(name_key, source.document.blocking_severities))
    blocking = [each for each in findings if name_key(each.severity) in severities]
    if not blocking:
        return ""
    first, others = blocking[0], len(blocking) - 1
    more = f", and so {'is' if others == 1 else 'are'} {others} more" if others else ""
    return (
        f"{history_report.rollback_drill_history_path}: the finding {show(first.finding_id)}"
        f" ({first.severity}) of {show(first.drill_id)} is open{more}; close it, and write its closed_at"
    )


def explain_change(change: ChangeFacts | UnsetType) -> str:
    """Return the change that moves a due time, as the rest of a sentence; empty if none does."""
    return change.explain_due() if change else ""


def _explain_no_due_time(source: Loaded[Schedule], history_report: HistoryReport) -> str:
    """Explain why there is no due time; a fault of the history comes first, because it has to be fixed."""
    if history_report.rollback_drill_history_path:
        cause = next(iter(history_report.warnings), "") or history_report.history.message
        return join_sentences(
            cause, f"{source.path} has no $.next_due_at, and no accepted drill to derive it from"
        )
    return (
        f"{source.path}: $.next_due_at is missing, and the schedule has no drill history to derive it from;"
        " set next_due_at, or add the history"
    )


def _blame_history(
    source: Loaded[Schedule], schedule: Schedule, due: DueFacts, history_report: HistoryReport
) -> str:
    """Name the fault of the history that the due time is derived from; empty if there is none."""
    is_derived = schedule.next_due_at is None or schedule.due_policy is not _EXPLICIT
    if not is_derived or not history_report.warnings:
        return ""
    fact = f"By the accepted drills, the drill of {source.path} was due {due.written}"
    return join_sentences(history_report.warnings[0], fact)
