"""`drills history` and `drills check`: judge documents, send nothing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import typer

from rollback_drills.documents.fleets.fleet import Fleet, load_fleet
from rollback_drills.documents.utc import write_instant
from rollback_drills.readiness.judgement import judge, judge_each
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.states import Readiness, worst
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import list_some
from rollback_drills.rendering.times import how_long
from rollback_drills.settings import Settings
from rollback_drills_cli.judged_documents import load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.fleet_lists import choose_listed, print_states
from rollback_drills_cli.terminal.output import (
    print_checks,
    print_items,
    print_json,
    print_line,
    print_table,
)
from rollback_drills_cli.terminal.progress import show_waiting

FLEET_SCHEMA = "rollback-drills.fleet.v1"


def history(
    mode: shared.ModeOption = None,
    history_path: shared.HistoryOption = None,
    max_age_days: shared.MaxAgeOption = None,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
) -> None:
    """Judge the drill history: is the latest drill accepted and recent enough?

    Exit code 0 if the history is ready or not requested, 1 if it needs attention.
    """
    at = shared.parse_now(now)
    settings = shared.resolve(mode=mode, history=history_path, max_age_days=max_age_days)
    subject = load_fleet(None, settings.history).subjects[0]
    report = judge(subject, None, settings.criteria, now=at, generated_by=generated_by).history_report
    if as_json:
        print_json(report)
    else:
        print_checks(f"Drill history {report.rollback_drill_history_path}".strip(), report)
    exit_with(report.status)


@with_judged_documents
def check(
    settings: Settings,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
) -> None:
    """Show for each schedule whether its next drill is ready, due soon or overdue, and why.

    Exit code 0 if every schedule is ready, due soon or not requested, 1 if one needs attention.

    Example: drills check --schedule schedules/ --history histories/
    """
    at = shared.parse_now(now)
    fleet = load_documents(settings)
    judged = judge_each(fleet.subjects, settings.criteria, now=at, generated_by=generated_by)
    states: list[Readiness] = []
    reports = (_note_state(each.schedule_report, states) for each in judged)
    if as_json:
        print_documents(reports, fleet, at)
    elif fleet.is_single:
        report = next(reports)
        print_checks(f"Drill schedule {report.display_name}".strip(), report)
    else:
        with show_waiting(f"judging {write_count(len(fleet.subjects), 'schedule')}"):
            several = list(reports)
        _print_fleet(several, at)
        print_states(states)
        _print_warnings(several)
    exit_with(worst(states))


def _note_state(report: ScheduleReport, states: list[Readiness]) -> ScheduleReport:
    states.append(report.status)
    return report


def print_documents(documents: Iterable[Any], fleet: Fleet, at: datetime, **of_fleet: Any) -> None:
    """Print one document for each schedule: of several, as the items of one, each as soon as it is made."""
    if fleet.is_single:
        print_json(next(iter(documents)))
    else:
        made = {"schema_version": FLEET_SCHEMA, "generated_at": write_instant(at)}
        print_items({**made, "items": [], **of_fleet}, documents)


def _print_fleet(reports: list[ScheduleReport], at: datetime) -> None:
    rows = [
        (
            report.display_name,
            report.status.replace("_", " "),
            how_long(report.schedule.next_due_at, now=at),
            report.schedule.message,
        )
        for report in choose_listed(reports, lambda each: each.status)
    ]
    print_table(write_count(len(reports), "schedule"), ("schedule", "state", "due", "why"), rows)


def _print_warnings(reports: list[ScheduleReport]) -> None:
    warnings = [
        f"{name}: {each}" if (name := report.schedule.schedule_id) else each  # which names its file
        for report in reports
        for each in report.warnings
    ]
    for line in list_some(warnings):
        print_line(line)


def exit_with(readiness: Readiness) -> None:
    """End with exit code 1 if something needs attention."""
    if not readiness.acceptable:
        raise typer.Exit(1)
