"""The on-demand flow by which an exception is granted in the UI of Prefect, with a typed form."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.documents.utc import in_utc
from rollback_drills.errors import DrillsError
from rollback_drills.followup.exceptions import ExceptionKind, Grant
from rollback_drills.followup.requests import ExceptionName, ExceptionRequest
from rollback_drills.planning.request_fields import Instant, Signer, described_by
from rollback_drills.settings import read_settings
from tasks.evidence import read_clock
from tasks.exceptions import write_exception_down
from tasks.logs import redacting


@flow(name="grant-exception", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@described_by(ExceptionRequest)
def grant_exception(
    exception: ExceptionName,
    until: Instant,
    reason: str,
    approver: str,
    requested_by: str = "",
    schedule_id: str | None = None,
    schedule: str | None = None,
    history: str | None = None,
    generated_by: Signer = "grant-exception",
) -> FinalState:
    """Skip, postpone or waive the current cycle of a schedule, for a time.

    Returns:
        Ends as Skipped, Postponed or Waived; as Failed if it cannot be granted, and then nothing is written.
        The data is the record of the exception.
    """
    request = ExceptionRequest(
        exception=exception,
        until=until,
        reason=reason,
        approver=approver,
        requested_by=requested_by,
        schedule_id=schedule_id,
        schedule=schedule,
        history=history,
        generated_by=generated_by,
    )
    kind = ExceptionKind(request.exception)
    try:
        settings = read_settings(os.environ, schedule=request.schedule, history=request.history)
        given = Grant(kind, in_utc(request.until), request.reason, request.approver, request.requested_by)
        now = read_clock(settings.evidence_url)
        record = write_exception_down(given, settings, request.schedule_id or None, now, request.generated_by)
    except DrillsError as error:
        return refuse(error)
    message = f"{record.schedule_id} is {kind.past} until {record.expires_at} by {approver}"
    return Completed(name=kind.past.capitalize(), message=message, data=record)
