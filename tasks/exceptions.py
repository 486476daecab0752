"""Writes exceptions into the evidence."""

from datetime import datetime
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.followup.exception_grants import grant_exception
from rollback_drills.followup.exceptions import Grant
from rollback_drills.outbox.known_cycles import keep_known_cycles
from rollback_drills.readiness.terms import Report
from rollback_drills.settings import Settings, default_database_url
from tasks.events import emit_exception
from tasks.evidence import index_evidence, open_existing


@task(task_run_name="grant-exception", cache_policy=NO_CACHE)
def write_exception_down(
    given: Grant, settings: Settings, schedule_id: str | None, now: datetime, signer: str
) -> Report:
    """Grant an exception to the current cycle of a schedule, and give its record.

    Raises:
        UsageError: There is no such schedule, or it cannot be granted.
    """
    url = settings.database_url or default_database_url()
    keep_cycles = partial(keep_known_cycles, open_existing(url, to_write=True))
    record = grant_exception(
        given, settings, schedule_id, keep_cycles, now=now, created_at=now, signer=signer
    )
    index_evidence([record], {}, now, signer, url)
    emit_exception(record)
    get_run_logger().info("%s until %s", record["exception_id"], record["expires_at"])
    return record
