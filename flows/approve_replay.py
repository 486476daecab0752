"""The on-demand flow by which a replay is approved."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.errors import DrillsError
from rollback_drills.planning.request_fields import taking
from rollback_drills.recovery.requests import ReplayApproval
from rollback_drills.settings import find_database_url
from tasks.logs import redacting
from tasks.replays import write_replay_approval


@flow(name="approve-replay", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(ReplayApproval)
def approve_replay(request: ReplayApproval) -> FinalState:
    """Approve a replay that somebody else has requested. It is executed later.

    Returns:
        Ends as Approved; as Failed if it cannot be approved. If who approves it has requested it, the refusal
        is written. The data is the record of the approval.
    """
    try:
        url = find_database_url(os.environ)
        record = write_replay_approval(request.replay_id, request.approved_by, url)
    except DrillsError as error:
        return refuse(error)
    return Completed(
        name="Approved", message=f"{request.replay_id} is approved by {request.approved_by}", data=record
    )
