"""One schedule: why it is judged as it is, what was decided last, its drills, and what happened when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.console.acting import list_routes
from rollback_drills.console.drills import DrillRow, find_drill_rows
from rollback_drills.console.events import find_events
from rollback_drills.console.fleet import FleetRow, describe_cycles, make_row
from rollback_drills.console.records import ScheduleRecords, read_records
from rollback_drills.console.source import Console
from rollback_drills.console.timeline import Timeline, place_events
from rollback_drills.database.errors import DatabaseError
from rollback_drills.documents.spans import Span
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.recorded_plan import RecordedPlan
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.exceptions.exception_requests import RequestedException
from rollback_drills.followup.exceptions.found_requests import read_open_requests
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.planning.explanation import Explanation
from rollback_drills.planning.upcoming import Upcoming, find_upcoming
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import Check
from rollback_drills.reports.explained import explain_subject
from rollback_drills.reports.pages.artifact_keys import artifact_key

_AHEAD: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """The page of a schedule."""

    at: datetime
    row: FleetRow
    judgement: Judgement
    cadence: str
    """How often a drill is due; empty if that is not known."""
    plan: RecordedPlan | None
    """The record of the plan that was written down last."""
    drills: Sequence[DrillRow]
    """The newest first."""
    timeline: Timeline
    upcoming: Sequence[Upcoming]
    """What is coming in the next 90 days."""
    explanation: Explanation | None
    """What a check would decide now; None while the evidence cannot be read."""
    problem: str = ""
    """Why the evidence cannot be read; empty if it can."""
    routes: Sequence[tuple[str, str]] = ()
    """Key and text of every route that can be acknowledged."""
    requests: Sequence[RequestedException] = ()
    """The exceptions that wait for a decision."""

    @property
    def artifact_key(self) -> str:
        """Under which key the runs leave their pages in Prefect."""
        return artifact_key(self.row.schedule_id)

    @property
    def checks(self) -> list[tuple[str, Check]]:
        """Every check of both reports, with what it is about."""
        return [
            (name, check)
            for name, report in (
                ("schedule", self.judgement.schedule_report),
                ("history", self.judgement.history_report),
            )
            for check in report.checks
        ]

    @property
    def failed_checks(self) -> list[tuple[str, Check]]:
        """The checks that somebody has to look at."""
        return [each for each in self.checks if each[1].fails]

    @property
    def passed_checks(self) -> list[tuple[str, Check]]:
        """The others."""
        return [each for each in self.checks if not each[1].fails]


def read_schedule(console: Console, schedule_id: str) -> ScheduleView:
    """Read the page of a schedule. Without evidence the documents are there, and the view says what is not.

    Raises:
        UsageError: There is no such schedule in the documents.
    """
    place = console.find(schedule_id)
    records, cycles, requests, problem = ScheduleRecords(), [], [], ""
    try:
        database = console.evidence()
        cycles = read_open_cycles(database, now=console.at, schedule_ids=[schedule_id])
        records = read_records(database, schedule_id)
        requests = read_open_requests(database, now=console.at, schedule_ids=[schedule_id])
    except DatabaseError as error:
        problem = console.explain(error)
    return make_schedule(console, place, records, cycles, requests, problem)


def make_schedule(
    console: Console,
    place: int,
    records: ScheduleRecords,
    cycles: Sequence[CycleFacts],
    requests: Sequence[RequestedException],
    problem: str,
) -> ScheduleView:
    """Put the page of a schedule together.

    Args:
        console: The documents.
        place: Which schedule.
        records: What the evidence has of it.
        cycles: Its open cycles.
        requests: The exceptions that wait for a decision.
        problem: Why the evidence cannot be read; empty if it can.
    """
    subject, judgement = console.subjects[place], console.judgements[place]
    row = make_row(subject, judgement, describe_cycles(console, cycles, [place]), now=console.at)
    history = subject.history.document if subject.history else None
    drills = find_drill_rows(history, records.drills, now=console.at)
    document = subject.schedule.document if subject.schedule else None
    windows = document.maintenance_windows if document else ()
    timeline = place_events(find_events(row, drills, records, windows, now=console.at), now=console.at)
    plan = records.plans[0] if records.plans else None
    cadence = document.cadence.describe() if document else ""
    explanation = None if problem and console.database else _explain(console, subject, judgement)
    coming = find_upcoming([judgement], [document], Span(console.at, console.at + _AHEAD), now=console.at)
    return ScheduleView(
        console.at,
        row,
        judgement,
        cadence,
        plan,
        drills,
        timeline,
        coming,
        explanation,
        problem,
        list(list_routes(cycles)),
        requests,
    )


def _explain(console: Console, subject: Subject, judgement: Judgement) -> Explanation:
    """Explain a schedule by what it was judged against."""
    report, history = judgement.schedule_report, judgement.history_report
    criteria = Criteria(report.mode, report.rollback_drill_due_soon_days, history.rollback_drill_max_age_days)
    return explain_subject(subject, console.database, criteria, now=console.at)
