"""Notifies the platform owner of what waits for a second person."""

from dataclasses import replace
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.followup.approval_notices import find_notices, read_open_approvals, withdraw_decided
from rollback_drills.outbox.commit import commit
from rollback_drills.rendering.counts import count_of
from rollback_drills.trust.notice import Platform
from tasks.evidence import open_database
from tasks.logs import redacting
from tasks.platform_notices import choose_provider


@task(task_run_name="announce-approvals", cache_policy=NO_CACHE)
@redacting
def announce_approvals(platform: Platform, now: datetime, url: str) -> int:
    """Commit the notices of open requests for the platform owner, and return how many are new.

    Those of requests that are not open any more are withdrawn, if they still wait.
    """
    database = open_database(url)
    approvals = read_open_approvals(database, now=now)
    withdraw_decided(database, approvals)
    is_any = bool(approvals.exceptions or approvals.replays)
    if is_any and not platform.providers:
        provider = choose_provider(database, approvals.replayed_providers)
        platform = replace(platform, any_provider=provider)
    entries = list(find_notices(approvals, platform))
    added = commit(database, entries, [], now=database.now().timestamp())
    get_run_logger().info("about requests, %s new", count_of(len(added), len(entries), "message"))
    return len(added)
