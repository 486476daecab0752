"""Commits the notifications of a run to the outbox, before anything is sent."""

from collections.abc import Collection, Sequence
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.registry import enabled_connectors, remember_all_secrets
from rollback_drills.database.connections import Database
from rollback_drills.delivery.connector_notice import choose_channel, notice_entry
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.committed_plans import write_plan
from rollback_drills.evidence.heads import find_head
from rollback_drills.notifications.outbox_entry import CommittedPlan, OutboxEntry
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.destinations import find_disabled
from rollback_drills.planning.fleet_check import FleetCheck
from rollback_drills.planning.outbox_entries import find_departures, find_entries, find_holds
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.rendering.counts import count_of
from rollback_drills.trust.guard import Guard
from rollback_drills.trust.notice import Platform
from tasks.evidence import open_database
from tasks.platform_notices import find_guard_entries


@task(task_run_name="commit-notifications", cache_policy=NO_CACHE)
def commit_notifications(
    fleet: FleetCheck,
    request: PlanRequest,
    guard: Guard,
    platform: Platform,
    now: datetime,
    url: str,
) -> int:
    """Commit what the plans deliver, what closes cycles that are over, and what the platform owner must know.

    Returns:
        How many of them are new.
    """
    database = open_database(url)
    evidence_head = _find_head(database)
    notifying = (check for check in fleet.checks if check.plan.may_notify)
    entries = [entry for check in notifying for entry in find_entries(check, request, evidence_head)]
    closing, departures = find_departures(fleet.checks, request, now=now, clock=database.now())
    of_source, left = find_guard_entries(database, guard, platform, request.notified, fleet.plans, now)
    entries += [*closing, *of_source]
    holds = list(find_holds(fleet.plans, request, now=now))
    plans = _write_plans(fleet, entries, now)
    added = commit(database, entries, [*departures, *left], holds, plans, now=database.now().timestamp())
    get_run_logger().info("%s new", count_of(len(added), len(entries), "notification"))
    return len(added)


def _write_plans(fleet: FleetCheck, entries: Sequence[OutboxEntry], now: datetime) -> list[CommittedPlan]:
    """Write the plans that the notifications belong to.

    They are written before anything is delivered, so that no connector has been opened yet whose secret
    somebody may have put into a document.
    """
    notifying = {each.notification.plan_id for each in entries}
    if not notifying:
        return []
    remember_all_secrets()
    redact, flow_run_id = redactor_in_use().document, flow_run.id or ""
    return [
        write_plan(check, redact, now=now, flow_run_id=flow_run_id)
        for check in fleet.checks
        if check.plan.plan_id in notifying
    ]


def commit_notices(url: str, alive: Collection[str]) -> set[str]:
    """Commit a notice of every dead connector, once, and return the provider that is to deliver it.

    One that has just delivered comes first, else any that is saved and switched on; without one the next run
    tries again.
    """
    database = open_database(url)
    dead = find_disabled(database)
    if not dead:
        return set()
    names = {each.provider for each in dead}
    channel = choose_channel(names, alive) or choose_channel(names, enabled_connectors())
    if channel is None:
        return set()
    entries = [notice_entry(each, channel) for each in dead]
    return {channel} if commit(database, entries, [], now=database.now().timestamp()) else set()


def _find_head(database: Database) -> str:
    """Return the newest head for the notifications; damaged evidence must not stop them."""
    try:
        head = find_head(database)
    except DrillsError as error:
        get_run_logger().warning("the notifications name no head of the evidence: %s", error)
        return ""
    return head.checkpoint.short if head else ""
