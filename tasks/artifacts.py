"""Publishes what a run found and did as Prefect artifacts, under a stable key for each schedule."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.utilities.urls import url_for

from rollback_drills.database.tables import LEDGER
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.reports.change_list import Change, find_change_lists, list_changes
from rollback_drills.reports.publication import Publication
from rollback_drills.reports.run_page import (
    artifact_key,
    render_fleet,
    render_head,
    render_schedule,
    route_rows,
)
from tasks.evidence import open_existing
from tasks.logs import redacting

FLEET_KEY = "rollback-drill-fleet"


@task(task_run_name="publish-artifacts", cache_policy=NO_CACHE)
@redacting
def publish_fleet(page: str, head: str) -> None:
    """Publish the page of a fleet whose shards have published those of the schedules; redacted."""
    text = redactor_in_use().text(page + render_head(head))
    create_markdown_artifact(text, key=FLEET_KEY, description="All schedules.")


@task(task_run_name="publish-artifacts", cache_policy=NO_CACHE)
@redacting
def publish_artifacts(pages: Publication, dry_run: bool, head: str, url: str) -> None:
    """Publish the page of a fleet, and a page and a table of routes for each schedule; all of it redacted."""
    clean = redactor_in_use().text
    changes = _find_changes(url, [clean(run.plan.schedule_id) for run in pages.schedules])
    if pages.fleet:
        fleet = render_fleet(pages.fleet, dry_run=dry_run, left_out=pages.left_out)
        create_markdown_artifact(
            clean(fleet + render_head(head)), key=FLEET_KEY, description="All schedules."
        )
    for run in pages.schedules:
        key, identifier = artifact_key(run.plan.schedule_id), clean(run.plan.schedule_id)
        lines = [render_schedule(run, dry_run=dry_run), *list_changes(changes.get(identifier, ()), _link)]
        create_markdown_artifact(
            clean("\n".join(lines) + render_head(head)),
            key=key,
            description=f"Readiness of {identifier}.",
        )
        rows = redactor_in_use().value(route_rows(run, dry_run=dry_run))
        create_table_artifact(rows, key=f"{key}-routes", description=f"Routes of {identifier}.")
    get_run_logger().info("%d artifacts", 2 * len(pages.schedules) + bool(pages.fleet))


def _find_changes(url: str, schedule_ids: Sequence[str]) -> Mapping[str, Sequence[Change]]:
    database = open_existing(url, LEDGER.name)
    return find_change_lists(database, schedule_ids) if database else {}


def _link(flow_run_id: str) -> str:
    """Return the address of a flow run in the Prefect UI; empty if that is not known."""
    with suppress(ValueError):
        return url_for("flow-run", UUID(flow_run_id)) or ""
    return ""
