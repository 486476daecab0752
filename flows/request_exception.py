"""The on-demand flow by which an exception is requested, for somebody else to approve."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.documents.utc import in_utc
from rollback_drills.errors import DrillsError
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.exceptions.exception_requests import Wish
from rollback_drills.followup.requests import AskRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.settings import read_settings
from tasks.evidence import read_clock
from tasks.exceptions import write_request_down
from tasks.logs import redacting


@flow(name="request-exception", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(AskRequest, "exception until reason requested_by schedule_id schedule history")
def request_exception(request: AskRequest) -> FinalState:
    """Request to skip, postpone or waive the current cycle of a schedule. Somebody else approves it.

    Returns:
        Ends as Requested; as Failed if it cannot be requested, and then nothing is written. The data is the
        record of the request.
    """
    try:
        settings = read_settings(os.environ, **dict(request))
        kind = ExceptionKind(request.exception)
        wish = Wish(kind, in_utc(request.until), request.reason, request.requested_by)
        now = read_clock(settings.evidence_url)
        record = write_request_down(wish, settings, request.schedule_id or None, now)
    except DrillsError as error:
        return refuse(error)
    message = f"{record.request_id}: {request.requested_by} asks to {kind} {record.schedule_id}"
    return Completed(name="Requested", message=message, data=record)
