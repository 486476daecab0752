"""The on-demand flow: notify the owners now, with the parameters of contract §7."""

from prefect import flow

from flows.check.starting import run_on_demand
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.planning.request_fields import taking
from rollback_drills.planning.requests import DeliverRequest
from tasks.logs import redacting


@flow(name="deliver-notifications", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(
    DeliverRequest,
    "provider retries timeout_seconds generated_by force routing_policy schedule history mode changes "
    "due_soon_days max_age_days dry_run as_of",
)
def deliver_notifications(request: DeliverRequest) -> FinalState:
    """Plan and deliver the notifications of rollback drills on demand.

    Returns:
        Ends as `drill_check` does. The data is `{schedule, plan, delivery, plan_metadata, metadata, success,
        event_id}` (contract §7), or `{runs: [...]}` of these for several schedules.
    """
    return run_on_demand(request)
