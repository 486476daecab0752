"""Writes exceptions into the evidence."""

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.followup.exceptions import Grant
from rollback_drills.followup.granting import grant_exception
from rollback_drills.readiness.terms import Report
from rollback_drills.settings import Settings, default_database_url
from tasks.events import emit_exception
from tasks.evidence import index_evidence


@task(task_run_name="grant-exception", cache_policy=NO_CACHE)
def write_exception_down(
    given: Grant, settings: Settings, schedule_id: str | None, now: datetime, signer: str
) -> Report:
    """Grant an exception to the current cycle of a schedule, and give its record.

    Raises:
        UsageError: There is no such schedule, or it cannot be granted.
    """
    record = grant_exception(given, settings, schedule_id, now=now, created_at=now, signer=signer)
    index_evidence([record], {}, now, signer, settings.database_url or default_database_url())
    emit_exception(record)
    get_run_logger().info("%s until %s", record["exception_id"], record["expires_at"])
    return record
