"""The steps of the alarm-path drill: find the routes, commit the messages, judge who answered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.utilities.annotations import quote

from blocks.registry import remember_all_secrets
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.followup.alarm_paths.alarm_path_findings import (
    AlarmPathFinding,
    MissedDrill,
    find_missed,
)
from rollback_drills.followup.alarm_paths.alarm_path_notice import find_closings, find_notices
from rollback_drills.followup.alarm_paths.alarm_path_reading import (
    read_answered,
    read_drills,
    read_findings,
    read_recorded,
)
from rollback_drills.followup.alarm_paths.alarm_path_records import record_missed, record_withdrawn
from rollback_drills.outbox.commit import commit
from rollback_drills.planning.alarm_path import AlarmPath, build_entries, find_alarm_paths
from rollback_drills.planning.fleet_check import FleetCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.counts import count_of, write_count
from rollback_drills.reports.alarm_path import AlarmPathReport, render_alarm_paths
from rollback_drills.reports.pages.artifact_keys import ALARM_PATH_KEY
from rollback_drills.trust.notice import Platform
from tasks.evidence import index_evidence, open_database, open_existing, read_clock
from tasks.logs import redacting
from tasks.platform_notices import choose_provider


@task(task_run_name="find-alarm-paths", cache_policy=NO_CACHE)
@redacting
def find_routes(fleet: FleetCheck, request: PlanRequest, now: datetime) -> list[AlarmPath]:
    """Find every route of every owner, redacted before the outbox and Prefect keep it."""
    paths = find_alarm_paths(fleet.checks, request, now=now)
    get_run_logger().info("%s", write_count(len(paths), "route"))
    remember_all_secrets()
    return redactor_in_use().document(paths)


@task(task_run_name="commit-alarm-path-drill", cache_policy=NO_CACHE)
@redacting
def commit_drill(paths: Sequence[AlarmPath], within: timedelta, now: datetime, url: str) -> int:
    """Commit the messages of this month that are not committed yet, and return how many they are."""
    database = open_database(url)
    entries, holds = build_entries(paths, within=within, now=now)
    added = commit(database, entries, [], holds, now=database.now().timestamp())
    get_run_logger().info("%s new", count_of(len(added), len(entries), "message"))
    return len(added)


@task(task_run_name="review-alarm-paths", cache_policy=NO_CACHE)
@redacting
def review_alarm_paths(platform: Platform, within: timedelta, now: datetime, url: str) -> list[MissedDrill]:
    """Return the drills that are newly missed, and commit the notice of them for the platform owner.

    They are new until the evidence has them: a run that is killed before leaves them to the next one.
    """
    database = open_database(url)
    drills, answered = read_drills(database, now=now), read_answered(database)
    recorded = read_recorded(database)
    missed = find_missed(drills, answered, within=within, now=now)
    new = [each for each in missed if each.drill.notification_id not in recorded]
    if new and not platform.providers:
        silent = {each.drill.provider for each in new}
        platform = replace(platform, any_provider=choose_provider(database, silent))
    entries = [
        *find_notices(new, platform, now=now),
        *find_closings(drills, answered, now=now),
    ]
    commit(database, entries, [], now=database.now().timestamp())
    get_run_logger().info("alarm paths whose drill is newly missed: %d", len(new))
    return new


def index_drill(
    missed: Sequence[MissedDrill],
    unused: Sequence[AlarmPathFinding],
    assigned_to: str,
    now: datetime,
    signer: str,
    url: str,
) -> Indexed:
    """Add to the evidence what became of the messages, the missed drills, and the routes that are unused."""
    created_at = read_clock(url)
    records = {
        **record_missed(missed, assigned_to=assigned_to, now=now, created_at=created_at, signer=signer),
        **record_withdrawn(unused, now=now, created_at=created_at, signer=signer),
    }
    # Prefect looks for futures in every value of a dictionary that a task is given, but not in a quoted one.
    quoted: Any = quote(records)
    return index_evidence([], quoted, created_at, signer, url)


def find_findings(url: str) -> list[AlarmPathFinding]:
    """Return the routes that reach nobody, as the evidence has them."""
    database = open_existing(url)
    return read_findings(database) if database else []


@task(task_run_name="publish-alarm-paths", cache_policy=NO_CACHE)
@redacting
def publish_alarm_paths(report: AlarmPathReport) -> None:
    """Publish the page of the drill, redacted."""
    create_markdown_artifact(
        redactor_in_use().text(render_alarm_paths(report)),
        key=ALARM_PATH_KEY,
        description="Which alarm paths are drilled, and which of them reach nobody.",
    )
