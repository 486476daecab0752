"""The first page of the console for a large fleet, against the same page for a fleet that fits on it."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from rollback_drills.console.links import ServedLinks
from rollback_drills.console.pages import write_fleet
from rollback_drills.console.query import FleetQuery
from rollback_drills.console.source import Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record import Record
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.outbox.commit import commit
from rollback_drills.planning.fleet_check import start_checks
from rollback_drills.planning.outbox_entries import find_entries
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement, judge_all
from tests.bench.figures import alternate, print_figure
from tests.samples.builders import DRILL, make_subject, open_key

SCHEDULES = 10_000
CHECKS = 4
"""Each leaves a plan and four decisions of every schedule: 200,000 rows."""
RUNS = 9
BATCH = 500
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


def report() -> None:
    """Print `fleet_page_ratio`."""
    with tempfile.TemporaryDirectory() as folder:
        large = build_console(f"sqlite:///{folder}/large.db", SCHEDULES)
        small = build_console(f"sqlite:///{folder}/small.db", 100)
        seconds = alternate(page_of(large), page_of(small), RUNS)
    what = (
        f"the first page of {SCHEDULES:,} schedules with {SCHEDULES * CHECKS * 5:,} rows of evidence / of 100"
        " schedules with 2,000; reading of evidence included, SQLite"
    )
    print_figure("fleet_page_ratio", *seconds, at_most=2.5, runs=RUNS, what=what)


def page_of(console: Console) -> Callable[[], object]:
    """Return what writes the first page as the server does."""
    return partial(write_fleet, console, ServedLinks(), FleetQuery())


def build_console(url: str, count: int) -> Console:
    """Return a fleet of which a third is overdue, after some checks that told its owners."""
    database = Database.open(url)
    subjects = [_make_subject(number) for number in range(count)]
    judgements = judge_all(subjects, Criteria(), now=NOW)
    for check in range(CHECKS):
        for start in range(0, count, BATCH):
            part = slice(start, start + BATCH)
            _check(database, subjects[part], judgements[part], check)
    return read_console(database, subjects, judgements, now=NOW)


def _make_subject(number: int) -> Subject:
    name = f"service-{number:05d}"
    drills: list[Mapping[str, Any]] = [
        {
            **DRILL,
            "drill_id": f"{name}-{drill}",
            "executed_at": (NOW - timedelta(days=10 + drill * 30, hours=number % 24)).isoformat(),
        }
        for drill in range(6)
    ]
    return make_subject(
        drills,
        schedule_id=name,
        next_due_at=(NOW + timedelta(days=number % 60 - 20, minutes=number)).isoformat(),
        owners=[f"team-{number % 50}", "release-governance"],
    )


def _check(
    database: Database, subjects: Sequence[Subject], judgements: Sequence[Judgement], number: int
) -> None:
    request, created_at = PlanRequest(), NOW - timedelta(hours=CHECKS - number)
    records: list[Record] = []
    entries: list[OutboxEntry] = []
    for check in start_checks(subjects, judgements):
        check.plan_at_once(request, now=NOW)
        section, session = check.judgement.schedule, f"rcd-{check.plan.plan_id}"
        records += record_plan(check.plan, section, session, created_at=created_at, signer="drill-check")
        entries += find_entries(check, request)
    append(database, records, open_key)
    commit(database, entries, [], now=created_at.timestamp())
