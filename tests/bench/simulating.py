"""Simulating a year of a fleet, against judging and planning the same fleet 365 times."""

import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.subject import Subject
from rollback_drills.planning.fleet_check import start_checks
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from rollback_drills.simulation.assumptions import Assumptions
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.simulate import simulate
from tests.bench.figures import print_figure
from tests.bench.judging import NOW, write_fleet

SCHEDULES = 1_000
DAYS = 365
LATE_BY = timedelta(days=3)
"""Drills that are late are escalated and repeated; those on time take half as long to simulate."""


def simulate_year(subjects: Sequence[Subject]) -> None:
    """Simulate a year in which every drill is performed three days late."""
    scenario = Scenario(NOW, NOW + timedelta(days=DAYS), assumptions=Assumptions(LATE_BY))
    found = simulate(subjects, scenario)
    assert len(found.happenings) > 100 * len(subjects)


def judge_daily(subjects: Sequence[Subject]) -> None:
    """Judge and plan the fleet on every day of a year."""
    for day in range(DAYS):
        now = NOW + timedelta(days=day)
        checks = start_checks(subjects, judge_all(subjects, Criteria(), now=now))
        for check in checks:
            check.plan_at_once(PlanRequest(), now=now)


def report() -> None:
    """Print `simulate_ratio`, of CPU time: both take long enough for other work to come between."""
    with tempfile.TemporaryDirectory() as folder:
        write_fleet(Path(folder), SCHEDULES)
        subjects = load_fleet(folder, None).subjects
    times = []
    for what in (simulate_year, judge_daily):
        began = time.process_time()
        what(subjects)
        times.append(time.process_time() - began)
    ours, baseline = times
    what_is_compared = (
        f"CPU seconds: simulate a year of {SCHEDULES} schedules / judge and plan them {DAYS} times"
    )
    print_figure("simulate_ratio", ours, baseline, at_most=1.0, runs=1, what=what_is_compared)
