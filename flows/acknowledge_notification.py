"""The on-demand flow by which people acknowledge in the UI of Prefect, with a typed form."""

import os

from prefect import flow
from prefect.states import Completed

from flows.failing import refuse
from flows.results import AcknowledgementResult, FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementState
from rollback_drills.followup.requests import (
    AcknowledgedRoute,
    AcknowledgeRequest,
)
from rollback_drills.planning.request_fields import taking
from rollback_drills.settings import find_database_url
from tasks.acknowledgements import acknowledge_routes
from tasks.evidence import read_clock
from tasks.logs import redacting

_STATE_NAMES = {
    AcknowledgementState.ACKNOWLEDGED: "Acknowledged",
    AcknowledgementState.DISMISSED: "Dismissed",
    AcknowledgementState.ESCALATED: "Escalated",
    AcknowledgementState.RESOLVED: "Resolved",
}


@flow(name="acknowledge-notification", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(
    AcknowledgeRequest,
    "acknowledged_by cycle_id plan_id schedule_id provider owner acknowledgement_state "
    "acknowledged_for_days external_ref notes routes",
)
def acknowledge_notification(request: AcknowledgeRequest) -> FinalState:
    """Acknowledge notifications of a cycle: one route, all of one owner, or all of the cycle.

    Returns:
        Ends in the state of the acknowledgement. The data is `{items, total}` of the acknowledgements.
    """
    given = request.to_acknowledgement(request.acknowledged_by)
    try:
        if request.routes and request.to_choice() != AcknowledgedRoute().to_choice():
            raise UsageError("routes are given, and a cycle, plan, schedule, provider or owner as well")
        choices = [each.to_choice() for each in request.routes or [request]]
        url = find_database_url(os.environ)
        records = acknowledge_routes(choices, given, read_clock(url), url, are_listed=bool(request.routes))
    except DrillsError as error:
        return refuse(error)
    names = ", ".join(f"{each.owner} through {each.provider}" for each in records)
    cycles = ", ".join(dict.fromkeys(each.cycle_id for each in records))
    message = f"{request.acknowledged_by} has {given.state} {cycles} for {names}"
    result = AcknowledgementResult(records, len(records))
    return Completed(name=_STATE_NAMES[given.state], message=message, data=result)
