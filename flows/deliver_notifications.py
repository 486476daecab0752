"""The on-demand flow: notify the owners now, with the parameters of contract §7."""

from typing import Final

from prefect import flow

from flows.results import FinalState
from flows.starting import run_on_demand
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
from rollback_drills.planning.requests import DeliverRequest, ModeName
from tasks.logs import redacting

_USUAL: Final = DeliverRequest()


@flow(name="deliver-notifications", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@described_by(DeliverRequest)
def deliver_notifications(
    provider: str = _USUAL.provider,
    retries: Retries = _USUAL.retries,
    timeout_seconds: TimeoutSeconds = _USUAL.timeout_seconds,
    generated_by: Signer = _USUAL.generated_by,
    force: bool = False,
    routing_policy: GivenPolicy = None,
    schedule: str | None = None,
    history: str | None = None,
    mode: ModeName | None = None,
    changes: str | None = None,
    due_soon_days: SomeDays | None = None,
    max_age_days: SomeDays | None = None,
    dry_run: bool = False,
    as_of: Instant | None = None,
) -> FinalState:
    """Plan and deliver the notifications of rollback drills on demand.

    Returns:
        Ends as `drill_check` does. The data is `{schedule, plan, delivery, plan_metadata, metadata, success,
        event_id}` (contract §7), or `{runs: [...]}` of these for several schedules.
    """
    request = DeliverRequest(
        schedule=schedule,
        history=history,
        mode=mode,
        changes=changes,
        due_soon_days=due_soon_days,
        max_age_days=max_age_days,
        routing_policy=routing_policy,
        provider=provider,
        force=force,
        retries=retries,
        timeout_seconds=timeout_seconds,
        generated_by=generated_by,
        dry_run=dry_run,
        as_of=as_of,
    )
    return run_on_demand(request)
