"""The on-demand flow by which an approved replay is executed: it delivers at once."""

from prefect import flow

from flows.replaying import deliver_replayed
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.planning.request_fields import taking
from rollback_drills.recovery.requests import ReplayExecution
from tasks.logs import redacting
from tasks.replays import write_replay_execution


@flow(name="execute-replay", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(ReplayExecution)
def execute_replay(request: ReplayExecution) -> FinalState:
    """Execute a replay that somebody other than its requester has approved, and deliver at once.

    Returns:
        Ends as Replayed when all of it is delivered; as Failed if something is not, or if the replay is not
        approved, which is written. The data is the record of the execution, with `deliveries`.
    """
    return deliver_replayed(
        lambda url: write_replay_execution(request.replay_id, request.replayed_by, url),
        RetryPolicy(request.retries, request.timeout_seconds),
        "execute-replay",
    )
