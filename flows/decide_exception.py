"""The on-demand flow by which a request for an exception is approved or declined."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.errors import DrillsError
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.followup.exceptions.exception_requests import DeclineRecord
from rollback_drills.followup.requests import DecideRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.settings import read_settings
from tasks.evidence import read_clock
from tasks.exceptions import write_approval_down, write_decline_down
from tasks.logs import redacting


@flow(name="decide-exception", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(DecideRequest, "request_id decision decided_by reason schedule history")
def decide_exception(request: DecideRequest) -> FinalState:
    """Approve or decline a request to skip, postpone or waive a cycle. Its requester cannot approve it.

    Returns:
        Ends as Approved or Declined; as Failed if it cannot be decided, and then nothing is written. The data
        is the record of the exception, or of the decline.
    """
    record: ExceptionRecord | DeclineRecord
    try:
        settings = read_settings(os.environ, **dict(request))
        now = read_clock(settings.evidence_url)
        if request.decision == "approve":
            record = write_approval_down(
                request.request_id, request.decided_by, request.reason, settings, now
            )
        else:
            record = write_decline_down(request.request_id, request.decided_by, request.reason, settings, now)
    except DrillsError as error:
        return refuse(error)
    done = "Approved" if request.decision == "approve" else "Declined"
    message = f"{request.request_id} of {record.schedule_id} is {done.lower()} by {request.decided_by}"
    return Completed(name=done, message=message, data=record)
