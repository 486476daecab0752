"""The tables of a schedule's page, for CSV."""

from collections.abc import Callable, Mapping
from typing import Final

from rollback_drills.console.csv_table import CsvTable
from rollback_drills.console.schedule import ScheduleView


def list_checks(view: ScheduleView) -> CsvTable:
    """Return the checks behind the state."""
    rows = [(name, each.id, each.status, each.message) for name, each in view.checks]
    return CsvTable(("of", "check", "status", "message"), rows)


def list_decisions(view: ScheduleView) -> CsvTable:
    """Return the last decision for each route."""
    columns = ("owner", "provider", "action", "category", "reason", "deferred_until")
    decisions = view.plan.plan.route_decisions if view.plan else ()
    return CsvTable.of(decisions, columns)


def list_coming(view: ScheduleView) -> CsvTable:
    """Return what is coming in the next 90 days."""
    columns = ("kind", "start_at", "end_at", "status", "window_id", "owners", "providers", "reason")
    return CsvTable.of(view.upcoming, columns)


def list_events(view: ScheduleView) -> CsvTable:
    """Return what happened, the newest first."""
    columns = ("at", "until", "what", "is_bad", "details", "session_id", "flow_run_id")
    rows = [
        (each.at, each.until, each.lane, each.is_bad, each.text, each.evidence, each.flow_run_id)
        for each in view.timeline.events
    ]
    return CsvTable(columns, rows)


def list_drills(view: ScheduleView) -> CsvTable:
    """Return every drill, the newest first."""
    of_document = ("actor", "source_mode", "target_mode", "recovery_minutes", "max_recovery_minutes")
    rows = [
        (
            *(each.drill_id, each.executed_at, each.is_accepted, each.problems),
            *(getattr(each.drill, name) for name in of_document),
            *(each.drill.evidence_refs, each.in_history),
            each.evidence.leaf_index if each.evidence else None,
        )
        for each in view.drills
    ]
    first = ("drill_id", "executed_at", "accepted", "problems")
    return CsvTable((*first, *of_document, "evidence_refs", "in_history", "evidence_row"), rows)


SCHEDULE_TABLES: Final[Mapping[str, Callable[[ScheduleView], CsvTable]]] = {
    "checks": list_checks,
    "decisions": list_decisions,
    "coming": list_coming,
    "events": list_events,
    "drills": list_drills,
}
"""By name."""
