"""The on-demand flow by which an approved replay is executed: it delivers at once."""

import os

from prefect import State, flow
from prefect.states import Completed, Failed

from flows.delivery import deliver_due
from flows.failing import fail
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.effects import count_effects
from rollback_drills.errors import DrillsError
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.planning.delivery_request import Retries, TimeoutSeconds, described_by
from rollback_drills.readiness.terms import Report
from rollback_drills.recovery.replays import RefusedReplayError
from rollback_drills.recovery.requests import ReplayExecution
from rollback_drills.settings import default_database_url, read_settings
from tasks.evidence import index_evidence, read_clock
from tasks.logs import redacting
from tasks.replays import write_replay_execution


@flow(name="execute-replay", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@described_by(ReplayExecution)
def execute_replay(
    replay_id: str,
    replayed_by: str,
    retries: Retries = ReplayExecution.model_fields["retries"].default,
    timeout_seconds: TimeoutSeconds = ReplayExecution.model_fields["timeout_seconds"].default,
) -> State[Report]:
    """Execute a replay that somebody else than its requester has approved, and deliver at once.

    Returns:
        Ends as Replayed when all of it is delivered; as Failed if something is not, or if the replay is not
        approved, which is written. The data is the record of the execution, with `deliveries`.
    """
    before = count_effects()
    request = ReplayExecution(
        replay_id=replay_id, replayed_by=replayed_by, retries=retries, timeout_seconds=timeout_seconds
    )
    try:
        url = read_settings(os.environ).database_url or default_database_url()
        record = write_replay_execution(request.replay_id, request.replayed_by, url)
        requested = frozenset(map(name_key, record["providers"]))
        wanted = {each["notification_id"] for each in record["notifications"]}
        delivered = deliver_due(requested, RetryPolicy(request.retries, request.timeout_seconds), url)
        indexed = index_evidence([], {}, read_clock(url), "execute-replay", url)
    except RefusedReplayError as error:
        return Failed(message=str(error), data=error)
    except DrillsError as error:
        return fail(error, effects_before=before)
    own = {
        each.notification.notification_id: each
        for each in delivered.deliveries
        if each.notification.notification_id in wanted
    }
    deliveries = {name: each.summary for name, each in own.items()}
    data = {**record, "deliveries": deliveries}
    count = sum(each.succeeded for each in own.values())
    problems = [*delivered.broken, *indexed.problems]
    message = "; ".join([f"{count} of {len(wanted)} replayed notifications are delivered", *problems])
    if problems or count < len(wanted):
        return Failed(message=message, data=DeliveryFailedError(message, data))
    return Completed(name="Replayed", message=message, data=data)
