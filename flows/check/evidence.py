"""Adds to the evidence what a check decided, delivered and found."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from flows.check.ending import record_schedule
from flows.check.planning import Checked, Run
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.checks.population import Concluded, Part, Population
from rollback_drills.evidence.drills import find_drills
from rollback_drills.planning.finding import find_finding
from rollback_drills.recording.retests import find_all_retests
from rollback_drills.reports.pages.run_page import ScheduleRun
from tasks.evidence import index_evidence


def keep_evidence(
    run: Run, checked: Checked, runs: Sequence[ScheduleRun], created_at: datetime, part: Part | None
) -> Indexed:
    """Append the records of a run, of a shard if it has a part; a dry run appends nothing."""
    if run.request.dry_run:
        return Indexed(0, None, None)
    by, fleet = run.request.generated_by, checked.fleet
    records = list(checked.guard.records(created_at=created_at, signer=by))
    drills = find_drills(fleet.subjects, fleet.schedule_ids, now=run.now, created_at=created_at, signer=by)
    drills.followed_by(find_all_retests(fleet.checks, now=run.now, created_at=created_at, signer=by))
    population = _find_population(run, checked, runs, created_at, part)
    url, open_key = run.database_url, run.open_key
    return index_evidence(records, drills, created_at, by, url, open_key, population, run.comparison)


def _find_population(
    run: Run, checked: Checked, runs: Sequence[ScheduleRun], created_at: datetime, part: Part | None
) -> Population:
    signer = run.request.generated_by
    return Population(
        run.population_id,
        run.watched,
        run.now,
        [
            Concluded(
                check.schedule_id,
                find_finding(check).digest(),
                check.judgement.readiness,
                check.plan.plan_id,
                check.plan.deliverable_route_count > 0,
                partial(record_schedule, of_schedule, signer, created_at),
            )
            for check, of_schedule in zip(checked.fleet.checks, runs, strict=True)
        ],
        part,
        is_fleet=not checked.fleet.is_single,
    )
