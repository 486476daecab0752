"""The on-demand flow by which one person replays what was not delivered: it delivers at once."""

from prefect import flow

from flows.replaying import deliver_replayed
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.planning.request_fields import taking
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.requests import DirectReplay
from tasks.logs import redacting
from tasks.replays import write_replay


@flow(name="replay-notifications", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(DirectReplay)
def replay_notifications(request: DirectReplay) -> FinalState:
    """Send notifications again that were not delivered, where the connector needs no approval.

    Returns:
        Ends as Replayed when all of it is delivered; as Failed if something is not, or if a connector needs
        an approval, which is written. The data is the record of the execution, with `deliveries`.
    """
    act = Act(request.replayed_by, request.reason)
    return deliver_replayed(
        lambda url: write_replay(request.notification_ids, request.provider, act, url),
        RetryPolicy(request.retries, request.timeout_seconds),
        "replay-notifications",
    )
