"""Writes retirements into the evidence, and closes what is open of retired schedules."""

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.followup.retirements.retirement import GivenRetirement, RetirementRecord
from rollback_drills.followup.retirements.retirement_closings import close_retired
from rollback_drills.followup.retirements.retirement_grants import retire_schedule
from rollback_drills.reports.events.act_events import retirement_event
from rollback_drills.settings import Settings
from tasks.events import emit
from tasks.evidence import index_evidence, open_database, open_existing


@task(task_run_name="retire-schedule", cache_policy=NO_CACHE)
def write_retirement_down(
    given: GivenRetirement, settings: Settings, now: datetime, signer: str
) -> RetirementRecord:
    """Retire or restore a schedule, close what is open of it, and return the record.

    Raises:
        UsageError: There is no such schedule, or it cannot be retired.
    """
    url = settings.evidence_url
    database = open_existing(url, to_write=True)
    record = retire_schedule(given, settings, database, now=now, created_at=now, signer=signer)
    index_evidence([record], {}, now, signer, url)
    emit([retirement_event(record)])
    opened = open_database(url)
    count = close_retired(opened, now=now, queued_at=opened.now())
    get_run_logger().info("%s; messages that say so: %d", record.retirement_id, count)
    return record


def close_retired_schedules(now: datetime, url: str) -> None:
    """Close what a run that was killed, or something under way, has left open of retired schedules."""
    database = open_existing(url, to_write=True)
    if database and (count := close_retired(database, now=now, queued_at=database.now())):
        get_run_logger().info("messages that say that a schedule is retired: %d", count)
