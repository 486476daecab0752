"""The on-demand flow by which a replay is requested, for somebody else to approve."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.errors import DrillsError
from rollback_drills.planning.request_fields import taking
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.requests import ReplayWish
from rollback_drills.rendering.counts import write_count
from rollback_drills.settings import find_database_url
from tasks.logs import redacting
from tasks.replays import write_replay_request


@flow(name="request-replay", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(ReplayWish)
def request_replay(request: ReplayWish) -> FinalState:
    """Request to send notifications again that were not delivered. Somebody else approves it.

    Returns:
        Ends as Requested; as Failed if it cannot be requested, and then nothing is written. The data is the
        record of the request.
    """
    try:
        url = find_database_url(os.environ)
        act = Act(request.requested_by, request.reason)
        record = write_replay_request(request.notification_ids, request.provider, act, url)
    except DrillsError as error:
        return refuse(error)
    count = write_count(record.notification_count, "notification")
    message = f"{record.replay_id}: {request.requested_by} asks to replay {count}"
    return Completed(name="Requested", message=message, data=record)
