"""The steps of the look-ahead: find what each owner has to expect, commit the messages, publish a page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from blocks.registry import remember_all_secrets
from rollback_drills.database.connections import Database
from rollback_drills.followup.open_cycles import find_quiet
from rollback_drills.outbox.commit import commit, find_history
from rollback_drills.planning.fleet_check import FleetCheck
from rollback_drills.planning.look_ahead import Outlook, find_outlooks, find_unclear
from rollback_drills.planning.look_ahead_notice import build_entries, find_earlier_cycles
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.counts import count_of, write_count
from rollback_drills.reports.look_ahead import (
    LookAhead,
    build_look_ahead,
    explain_unclear,
    render_look_ahead,
)
from rollback_drills.reports.pages.artifact_keys import LOOK_AHEAD_KEY
from tasks.evidence import open_database
from tasks.logs import redacting


@task(task_run_name="look-ahead", cache_policy=NO_CACHE)
@redacting
def look_at_fleet(
    fleet: FleetCheck, request: PlanRequest, criteria: Criteria, database: Database | None, now: datetime
) -> LookAhead:
    """Find what each owner has to expect, redacted; exceptions that hold now count."""
    if database:
        cycles = [each.cycle.cycle_id for each in fleet.judgements]
        request = replace(request, excepted=find_quiet(database, cycles, now=now)[1])
    outlooks = find_outlooks(fleet.checks, request, criteria, now=now)
    found = _redact(build_look_ahead(outlooks, find_unclear(fleet.checks, request), now=now))
    logger = get_run_logger()
    logger.info(
        "%s, something will go wrong for %d",
        write_count(found.owner_count, "owner"),
        found.troubled_owner_count,
    )
    for each in found.unclear:
        logger.warning("%s", explain_unclear(each))
    return found


def _redact(found: LookAhead) -> LookAhead:
    """Take out the secrets that somebody put into a document, before the outbox and Prefect keep them."""
    remember_all_secrets()
    return redactor_in_use().document(found)


@task(task_run_name="commit-look-aheads", cache_policy=NO_CACHE)
@redacting
def commit_look_aheads(outlooks: Sequence[Outlook], now: datetime, url: str) -> int:
    """Commit the messages of this week that are not committed yet, and return how many they are."""
    database = open_database(url)
    earlier = find_history(database, find_earlier_cycles(outlooks, now), ())
    built = [build_entries(each, earlier, now=now) for each in outlooks]
    entries = [entry for some, _ in built for entry in some]
    holds = [hold for _, some in built for hold in some]
    added = commit(database, entries, [], holds, now=database.now().timestamp())
    get_run_logger().info("%s new", count_of(len(added), len(entries), "message"))
    return len(added)


@task(task_run_name="publish-look-ahead", cache_policy=NO_CACHE)
@redacting
def publish_look_ahead(document: LookAhead) -> None:
    """Publish the page of the look-ahead, redacted."""
    create_markdown_artifact(
        redactor_in_use().text(render_look_ahead(document)),
        key=LOOK_AHEAD_KEY,
        description="What is due in the next 90 days, and what will go wrong.",
    )
