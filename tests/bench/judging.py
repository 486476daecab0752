"""Reading and judging a fleet, against only reading and parsing the same files."""

import gc
import json
import math
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.planning.fleet_check import start_checks
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from tests.bench.figures import alternate, print_exponent, print_figure
from tests.bench.unchanged_runs import write_fleet as write_records

SCHEDULES = 2_000
RUNS = 9
GROWTH = (1_000, 100_000)
GROWTH_RUNS = (20, 2)
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


def write_fleet(folder: Path, count: int) -> None:
    """Write so many schedules with 2 owners, 2 providers and 1 window, and histories of 6 drills."""
    for number in range(count):
        name = f"service-{number:04d}"
        schedule = {
            "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
            "schedule_id": name,
            "environment": "production",
            "status": "active",
            "interval_days": 30,
            "next_due_at": (NOW + timedelta(days=number % 60 - 20)).isoformat(),
            "owners": [f"team-{number % 50}", "release-governance"],
            "notification_providers": ["slack", "teams"],
            "maintenance_windows": [
                {
                    "window_id": f"freeze-{number}",
                    "start_at": "2026-11-20T00:00:00Z",
                    "end_at": "2026-12-02T00:00:00Z",
                    "owners": ["release-governance"],
                    "reason": "release freeze",
                }
            ],
            "runbook_ref": "docs/runbook.md",
        }
        drills = [
            {
                "drill_id": f"{name}-{drill}",
                "executed_at": (NOW - timedelta(days=10 + drill * 30, hours=number % 24)).isoformat(),
                "actor": "release-agent",
                "source_mode": "promoted",
                "target_mode": "disabled",
                "status": "pass",
                "fallback_verified": True,
                "recovery_minutes": 7,
                "max_recovery_minutes": 15,
                "runbook_ref": "docs/runbook.md",
                "evidence_refs": [f"go-rollback-drill://ci/{name}-{drill}"],
            }
            for drill in range(6)
        ]
        history = {
            "schema_version": "cavra.go-backend-rollback-drill-history.v1",
            "environment": "production",
            "drills": drills,
        }
        (folder / f"{name}-schedule.json").write_text(json.dumps(schedule))
        (folder / f"{name}-history.json").write_text(json.dumps(history))


def judge_fleet(folder: str) -> int:
    """Read the fleet; build each history report, schedule report and plan, step by step as a run does."""
    request = PlanRequest()
    subjects = load_fleet(folder, None).subjects
    checks = start_checks(subjects, judge_all(subjects, Criteria(), now=NOW))
    for check in checks:
        check.plan_at_once(request, now=NOW)
    routes = sum(len(check.plan.route_decisions) for check in checks)
    assert routes == SCHEDULES * 4
    return routes


def only_parse(paths: list[str]) -> None:
    """Read and parse the same files, and nothing else."""
    for path in paths:
        with open(path, "rb") as file:
            orjson.loads(file.read())


def report() -> None:
    """Print `judge_ratio` and `judge_growth`."""
    _report_ratio()
    _report_growth()


def _report_growth() -> None:
    """Print with which exponent reading and judging grow: 1 if twice as many take twice as long."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for count, runs in zip(GROWTH, GROWTH_RUNS, strict=True):
            path = write_records(Path(folder), count)
            seconds.append(min(_time_judging(path) for _ in range(runs)))
    exponent = math.log(seconds[1] / seconds[0]) / math.log(GROWTH[1] / GROWTH[0])
    what = f"exponent of the CPU time of reading and judging {GROWTH[0]:,} to {GROWTH[1]:,} schedules"
    print_exponent("judge_growth", exponent, seconds, at_most=1.02, what=what)


def _time_judging(path: str) -> float:
    gc.collect()
    began = time.process_time()
    found = judge_all(load_fleet(path, None).subjects, Criteria(), now=NOW)
    taken = time.process_time() - began
    assert found
    return taken


def _report_ratio() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_fleet(Path(folder), SCHEDULES)
        paths = [str(path) for path in sorted(Path(folder).iterdir())]
        ours, baseline = alternate(lambda: judge_fleet(folder), lambda: only_parse(paths), RUNS)
    what = f"read and judge {SCHEDULES} schedules / read and orjson.loads the same {len(paths)} files"
    print_figure("judge_ratio", ours, baseline, at_most=2.6, runs=RUNS, what=what)
