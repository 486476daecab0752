"""Publishes what a run found and did as Prefect artifacts, under a stable key for each schedule."""

from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.run_report import ScheduleRun, artifact_key, render_fleet, render_schedule, route_rows

FLEET_KEY = "rollback-drill-fleet"


@task(task_run_name="publish-artifacts", cache_policy=NO_CACHE)
def publish_artifacts(runs: Sequence[ScheduleRun], is_single: bool, dry_run: bool) -> None:
    """Publish a page and a table of routes for each schedule, and a page of a fleet."""
    if not is_single:
        create_markdown_artifact(
            render_fleet(runs, dry_run=dry_run), key=FLEET_KEY, description="All schedules."
        )
    for run in runs:
        key, identifier = artifact_key(run.plan["schedule_id"]), run.plan["schedule_id"]
        create_markdown_artifact(
            render_schedule(run, dry_run=dry_run), key=key, description=f"Readiness of {identifier}."
        )
        rows = route_rows(run, dry_run=dry_run)
        create_table_artifact(rows, key=f"{key}-routes", description=f"Routes of {identifier}.")
    get_run_logger().info("%d artifacts", 2 * len(runs) + (not is_single))
