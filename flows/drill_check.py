"""The recurring flow: checks the drills, notifies owners and keeps evidence."""

from typing import Final

from prefect import flow

from flows.killed_runs import mark_killed_predecessors
from flows.results import FinalState
from flows.starting import run_check
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.documents.policy_file import GivenPolicy
from rollback_drills.planning.request_fields import (
    Instant,
    Retries,
    Signer,
    SomeDays,
    TimeoutSeconds,
    described_by,
)
from rollback_drills.planning.requests import DrillCheckRequest, ModeName

_USUAL: Final = DrillCheckRequest()


@flow(name="drill-check", timeout_seconds=RUN_TIMEOUT_SECONDS)
@described_by(DrillCheckRequest)
def drill_check(
    schedule: str | None = None,
    history: str | None = None,
    mode: ModeName | None = None,
    changes: str | None = None,
    due_soon_days: SomeDays | None = None,
    max_age_days: SomeDays | None = None,
    routing_policy: GivenPolicy = None,
    provider: str = _USUAL.provider,
    retries: Retries = _USUAL.retries,
    timeout_seconds: TimeoutSeconds = _USUAL.timeout_seconds,
    generated_by: Signer = _USUAL.generated_by,
    dry_run: bool = False,
    as_of: Instant | None = None,
    shard: str | None = None,
) -> FinalState:
    """Check whether rollback drills are ready, due soon or overdue, and notify their owners.

    Returns:
        Ends as Ready, DueSoon, NeedsAttention or NotRequested; as Failed if a notification was not delivered,
        in this run or an earlier one, or if no schedule is configured. The data is that of
        `deliver_notifications`; of a fleet it has schedules that changed or have notifications, at most 200.
        A large fleet is checked by one run for each shard; the data has the counts of the fleet and of each
        shard.
    """
    request = DrillCheckRequest(
        schedule=schedule,
        history=history,
        mode=mode,
        changes=changes,
        due_soon_days=due_soon_days,
        max_age_days=max_age_days,
        routing_policy=routing_policy,
        provider=provider,
        retries=retries,
        timeout_seconds=timeout_seconds,
        generated_by=generated_by,
        dry_run=dry_run,
        as_of=as_of,
        shard=shard,
    )
    state = run_check(request, lambda **parameters: drill_check(**parameters, return_state=True))
    mark_killed_predecessors()
    return state
