"""Publishes what a run found and did as Prefect artifacts, under a stable key for each schedule."""

from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.reports.run_page import (
    ScheduleRun,
    artifact_key,
    render_fleet,
    render_head,
    render_schedule,
    route_rows,
)
from tasks.logs import redacting

FLEET_KEY = "rollback-drill-fleet"


@task(task_run_name="publish-artifacts", cache_policy=NO_CACHE)
@redacting
def publish_artifacts(runs: Sequence[ScheduleRun], is_single: bool, dry_run: bool, head: str) -> None:
    """Publish a page and a table of routes for each schedule, and a page of a fleet; all of it redacted."""
    clean = redactor_in_use().text
    if not is_single:
        create_markdown_artifact(
            clean(render_fleet(runs, dry_run=dry_run) + render_head(head)),
            key=FLEET_KEY,
            description="All schedules.",
        )
    for run in runs:
        key, identifier = artifact_key(run.plan.schedule_id), clean(run.plan.schedule_id)
        create_markdown_artifact(
            clean(render_schedule(run, dry_run=dry_run) + render_head(head)),
            key=key,
            description=f"Readiness of {identifier}.",
        )
        rows = redactor_in_use().value(route_rows(run, dry_run=dry_run))
        create_table_artifact(rows, key=f"{key}-routes", description=f"Routes of {identifier}.")
    get_run_logger().info("%d artifacts", 2 * len(runs) + (not is_single))
