"""The on-demand flow by which people acknowledge in the UI of Prefect, with a typed form."""

import os
from datetime import timedelta
from typing import Any, Literal

from prefect import State, flow
from prefect.states import Completed

from flows.failing import refuse
from flows.parameters import AcknowledgedDays, AcknowledgedRoute
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.followup.acknowledgement import Acknowledgement, AcknowledgementState
from rollback_drills.settings import find_database_url
from tasks.acknowledging import acknowledge_routes
from tasks.evidence import read_clock
from tasks.logs import redacting

_STATE_NAMES = {
    AcknowledgementState.ACKNOWLEDGED: "Acknowledged",
    AcknowledgementState.DISMISSED: "Dismissed",
    AcknowledgementState.ESCALATED: "Escalated",
    AcknowledgementState.RESOLVED: "Resolved",
}


@flow(name="acknowledge-notification")
@redacting
def acknowledge_notification(
    acknowledged_by: str,
    cycle_id: str | None = None,
    plan_id: str | None = None,
    schedule_id: str | None = None,
    provider: str | None = None,
    owner: str | None = None,
    acknowledgement_state: Literal["acknowledged", "dismissed", "escalated", "resolved"] = "acknowledged",
    acknowledged_for_days: AcknowledgedDays | None = None,
    external_ref: str = "",
    notes: str = "",
    routes: list[AcknowledgedRoute] | None = None,
) -> State[dict[str, Any]]:
    """Acknowledge what was told of a cycle: one route, all of one owner, or all of the cycle.

    Args:
        acknowledged_by: Who acknowledges.
        cycle_id: The cycle, as the notification names it.
        plan_id: Instead of the cycle: a plan of it.
        schedule_id: Instead of the cycle: a schedule; its newest cycle is meant.
        provider: Only what came through this provider. Empty: all.
        owner: Only what this owner was told. Empty: all.
        acknowledgement_state: What is said; escalated asks for the next step at once.
        acknowledged_for_days: For how long it holds. Empty: three days, or until the due instant.
        external_ref: Where it is followed up: a ticket number.
        notes: A remark for the evidence; no secret, address or private name.
        routes: Instead of cycle, plan, schedule, provider and owner: up to 100 of these together. All of them
            are acknowledged, or none.

    Returns:
        Ends in the state that was said. The data is `{items, total}` of the acknowledgements.
    """
    state = AcknowledgementState(acknowledgement_state)
    days = None if acknowledged_for_days is None else timedelta(days=acknowledged_for_days)
    given = Acknowledgement(acknowledged_by, state, external_ref, notes, days)
    one = AcknowledgedRoute(
        cycle_id=cycle_id, plan_id=plan_id, schedule_id=schedule_id, provider=provider, owner=owner
    )
    try:
        if routes and one.to_choice() != AcknowledgedRoute().to_choice():
            raise UsageError("routes are given, and a cycle, plan, schedule, provider or owner as well")
        choices = [each.to_choice() for each in routes or [one]]
        url = find_database_url(os.environ, None)
        records = acknowledge_routes(choices, given, read_clock(url), url)
    except DrillsError as error:
        return refuse(error)
    told = ", ".join(f"{each['owner']} through {each['provider']}" for each in records)
    cycles = ", ".join(dict.fromkeys(each["cycle_id"] for each in records))
    message = f"{acknowledged_by} has {state} {cycles} for {told}"
    return Completed(
        name=_STATE_NAMES[state], message=message, data={"items": records, "total": len(records)}
    )
