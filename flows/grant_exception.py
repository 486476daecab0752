"""The on-demand flow by which an exception is granted in the UI of Prefect, with a typed form."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.documents.utc import in_utc
from rollback_drills.errors import DrillsError
from rollback_drills.followup.exceptions.exception import ExceptionKind, Grant
from rollback_drills.followup.requests import ExceptionRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.settings import read_settings
from tasks.evidence import read_clock
from tasks.exceptions import write_exception_down
from tasks.logs import redacting


@flow(name="grant-exception", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(
    ExceptionRequest,
    "exception until reason approver requested_by schedule_id schedule history generated_by",
)
def grant_exception(request: ExceptionRequest) -> FinalState:
    """Skip, postpone or waive the current cycle of a schedule, for a time.

    Returns:
        Ends as Skipped, Postponed or Waived; as Failed if it cannot be granted, and then nothing is written.
        The data is the record of the exception.
    """
    kind = ExceptionKind(request.exception)
    try:
        settings = read_settings(os.environ, **dict(request))
        given = Grant(kind, in_utc(request.until), request.reason, request.approver, request.requested_by)
        now = read_clock(settings.evidence_url)
        record = write_exception_down(given, settings, request.schedule_id or None, now, request.generated_by)
    except DrillsError as error:
        return refuse(error)
    message = f"{record.schedule_id} is {kind.past} until {record.expires_at} by {request.approver}"
    return Completed(name=kind.past.capitalize(), message=message, data=record)
