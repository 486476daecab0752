"""Counts who was not notified, and publishes the count as artifacts."""

from datetime import datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.database.tables import LEDGER
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.pages.artifact_keys import REVIEW_KEY, WEEKS_KEY
from rollback_drills.reports.period import last_weeks
from rollback_drills.reports.trend import Trend, find_trend
from rollback_drills.reports.trend_page import render_trend, week_rows
from tasks.evidence import open_existing
from tasks.logs import redacting


@task(task_run_name="count-suppressions", cache_policy=NO_CACHE)
@redacting
def count_suppressions(weeks: int, now: datetime, generated_by: str, url: str) -> Trend:
    """Count by week how often nobody was notified; of a ledger that does not exist yet, nothing is found."""
    database = open_existing(url, LEDGER.name)
    trend = find_trend(database, RouteFilter(), last_weeks(weeks, now), now=now, generated_by=generated_by)
    get_run_logger().info(
        "%d of %d decisions notified nobody", trend.suppression_event_count, trend.decision_count
    )
    return trend


@task(task_run_name="publish-review", cache_policy=NO_CACHE)
@redacting
def publish_review(trend: Trend) -> None:
    """Publish a page of the trend, and a table of its weeks; both redacted."""
    redactor = redactor_in_use()
    create_markdown_artifact(
        redactor.text(render_trend(trend)), key=REVIEW_KEY, description="Suppressed notifications, and why."
    )
    create_table_artifact(
        redactor.value(week_rows(trend)), key=WEEKS_KEY, description="Decisions by ISO week."
    )
