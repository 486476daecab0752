"""What a run that checks one shard has to do with the check that asked for it."""

from collections.abc import Sequence
from datetime import datetime

from prefect.runtime import flow_run

from flows.check.delivery import Delivered
from flows.check.planning import Checked, Run
from flows.results import ShardSummary
from rollback_drills.documents.fleets.fleet_changes import uses_changes
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.checks.population import Changes, Part, ShardReport
from rollback_drills.evidence.checks.shards import require_shards
from rollback_drills.names.keys import first_spellings
from rollback_drills.planning.unused_providers import find_unused
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills.reports.pages.run_page import ScheduleRun, find_pressing, fleet_row


def name_check(run_id: str | None, now: datetime) -> str:
    """Name a check by its run and the time as of which it judges; empty if there is no such run."""
    return f"{run_id}@{write_instant(now)}" if run_id else ""


def enter_check(run: Run) -> str:
    """Return the check that asked for this shard; empty if a person started it alone, or for a dry run.

    Raises:
        ReplacedCheckError: That check has ended, or a later one has begun.
    """
    check_id = "" if run.request.dry_run else name_check(flow_run.parent_flow_run_id, run.now)
    if check_id and run.database is not None:
        with run.database.read() as connection:
            require_shards(connection, run.population_id, check_id, f"shard {run.shard}")
    return check_id


def report_shard(
    run: Run, check_id: str, checked: Checked, runs: Sequence[ScheduleRun], delivered: Delivered
) -> Part | None:
    """Return what the check needs to know of this shard; None if the run is no shard."""
    if run.shard is None:
        return None
    pressing = find_pressing(runs)[:MOST_ROWS]
    fleet, has_changes = checked.fleet, run.settings.changes is not None
    environments = first_spellings(each.schedule.environment for each in fleet.checks if each.schedule)
    unused, providers = find_unused(fleet.checks, checked.plan_request)
    report = ShardReport(
        flow_run_id=flow_run.id or "",
        delivery_count=len(delivered.deliveries),
        broken=delivered.broken,
        left=delivered.left_ids,
        distrust=list(checked.guard.explain()),
        names={str(each.judgement.readiness): each.plan.schedule_id for each in runs},
        pressing=[fleet_row(each, dry_run=False) for each in pressing],
        warnings=fleet.warnings,
        environments=list(environments.values()) if has_changes else (),
        uses_changes=any(uses_changes(each.schedule) for each in fleet.checks),
        unused=unused,
        providers=providers,
    )
    return Part(str(run.shard), check_id, report)


def summarise_shard(run: Run, runs: Sequence[ScheduleRun], changes: Changes) -> ShardSummary:
    """Return the result of a shard: counts, since Prefect looks through every value of a result."""
    return ShardSummary(str(run.shard), len(runs), len(changes.changed))
