"""Retires schedules, as a flow run, and answers with what was written down."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills.evidence.record_kinds import RETIREMENT_KIND
from rollback_drills.followup.requests import RetirementRequest
from rollback_drills.followup.retirements.retirement_grants import retire_schedule
from rollback_drills_api.approval_bodies import RetirementBody
from rollback_drills_api.flow_runs import documents_of
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import administering
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.recorded import RetirementAnswer
from rollback_drills_api.run_records import record_by_flow
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix=PREFIX, tags=["acting"], dependencies=[nothing_asked])


@router.post("/{schedule_id:path}/retirements", responses=described("retirement"))
async def retire(
    served: Served, caller: Annotated[str, Depends(administering)], schedule_id: str, body: RetirementBody
) -> Response:
    """Retire a schedule, also one whose document is gone: nobody is notified or escalated to any more."""
    return await served.act(lambda: _retire(served, caller, schedule_id, body))


def _retire(served: Service, caller: str, schedule_id: str, body: RetirementBody) -> RetirementAnswer:
    now, settings = datetime.now(UTC), served.options.settings
    request = RetirementRequest(
        schedule_id=schedule_id,
        reason=body.reason,
        approver=name_caller(caller, body.approver),
        requested_by=name_caller(caller, body.requested_by) if body.requested_by else "",
        restore=body.restore,
        generated_by=caller,
    )
    # Whatever is wrong with it is known before a run is started for nothing.
    retire_schedule(
        request.to_retirement(), settings, served.database(), now=now, created_at=now, signer=caller
    )
    parameters = {**request.model_dump(exclude={"schedule", "history"}), **documents_of(served.options)}
    record, *_ = record_by_flow(served, "retire-schedule", parameters, RETIREMENT_KIND)
    return RetirementAnswer(record, record)
