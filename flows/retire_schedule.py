"""The on-demand flow by which a schedule is retired in the UI of Prefect, with a typed form."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.errors import DrillsError
from rollback_drills.followup.requests import RetirementRequest
from rollback_drills.planning.request_fields import Signer, described_by
from rollback_drills.settings import read_settings
from tasks.evidence import read_clock
from tasks.logs import redacting
from tasks.retirements import write_retirement_down


@flow(name="retire-schedule", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@described_by(RetirementRequest)
def retire_schedule(
    schedule_id: str,
    reason: str,
    approver: str,
    requested_by: str = "",
    restore: bool = False,
    schedule: str | None = None,
    history: str | None = None,
    generated_by: Signer = "retire-schedule",
) -> FinalState:
    """End the follow-up of a schedule, also of one whose document is gone.

    Returns:
        Ends as Retired or Restored; as Failed if it cannot be, and then nothing is written. The data is the
        record of the retirement.
    """
    request = RetirementRequest(
        schedule_id=schedule_id,
        reason=reason,
        approver=approver,
        requested_by=requested_by,
        restore=restore,
        schedule=schedule,
        history=history,
        generated_by=generated_by,
    )
    try:
        settings = read_settings(os.environ, schedule=request.schedule, history=request.history)
        now = read_clock(settings.evidence_url)
        record = write_retirement_down(request.to_retirement(), settings, now, request.generated_by)
    except DrillsError as error:
        return refuse(error)
    change = record.change
    message = f"{record.schedule_id} is {change} by {approver}"
    return Completed(name=str(change).capitalize(), message=message, data=record)
