"""The recurring flow: checks the drills, notifies owners and keeps evidence."""

from prefect import flow

from flows.check.starting import run_check
from flows.killed_runs import mark_killed_predecessors
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.planning.request_fields import taking
from rollback_drills.planning.requests import DrillCheckRequest
from tasks.logs import redacting


@flow(name="drill-check", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(
    DrillCheckRequest,
    "schedule history mode changes due_soon_days max_age_days routing_policy provider retries "
    "timeout_seconds generated_by dry_run as_of shard",
)
def drill_check(request: DrillCheckRequest) -> FinalState:
    """Check whether rollback drills are ready, due soon or overdue, and notify their owners.

    Returns:
        Ends as Ready, DueSoon, NeedsAttention or NotRequested; as Failed if a notification was not delivered,
        in this run or an earlier one, or if no schedule is configured. The data is that of
        `deliver_notifications`; of a fleet it has schedules that changed or have notifications, at most 200.
        A large fleet is checked by one run for each shard; the data has the counts of the fleet and of each
        shard.
    """
    state = run_check(request, lambda **parameters: drill_check(**parameters, return_state=True))
    mark_killed_predecessors()
    return state
