"""The on-demand flow by which a schedule is retired in the UI of Prefect, with a typed form."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.errors import DrillsError
from rollback_drills.followup.requests import RetirementRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.settings import read_settings
from tasks.evidence import read_clock
from tasks.logs import redacting
from tasks.retirements import write_retirement_down


@flow(name="retire-schedule", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(RetirementRequest, "schedule_id reason approver requested_by restore schedule history generated_by")
def retire_schedule(request: RetirementRequest) -> FinalState:
    """End the follow-up of a schedule, also of one whose document is gone.

    Returns:
        Ends as Retired or Restored; as Failed if it cannot be, and then nothing is written. The data is the
        record of the retirement.
    """
    try:
        settings = read_settings(os.environ, **dict(request))
        now = read_clock(settings.evidence_url)
        record = write_retirement_down(request.to_retirement(), settings, now, request.generated_by)
    except DrillsError as error:
        return refuse(error)
    change = record.change
    message = f"{record.schedule_id} is {change} by {request.approver}"
    return Completed(name=str(change).capitalize(), message=message, data=record)
