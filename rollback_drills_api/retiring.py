"""Retires schedules, as a flow run, and answers with what was written down."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills.evidence.records import RETIREMENT_KIND
from rollback_drills.followup.requests import RetirementRequest
from rollback_drills.followup.retirement_grants import retire_schedule
from rollback_drills.readiness.terms import Report
from rollback_drills_api.acting import name_caller
from rollback_drills_api.bodies import RetirementBody
from rollback_drills_api.collecting import collect, ledger_size
from rollback_drills_api.describing import described
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.running import documents_of, explain_failure, run_flow
from rollback_drills_api.security import administering
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix=PREFIX, tags=["acting"], dependencies=[nothing_asked])


@router.post("/{schedule_id:path}/retirements", responses=described("retirement"))
async def retire(
    served: Served, caller: Annotated[str, Depends(administering)], schedule_id: str, body: RetirementBody
) -> Response:
    """Retire a schedule, also one whose document is gone: nobody is notified or escalated to any more."""
    return await served.act(lambda: _retire(served, caller, schedule_id, body))


def _retire(served: Service, caller: str, schedule_id: str, body: RetirementBody) -> Report:
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
    documents = documents_of(settings) if served.options.is_embedded else {}
    parameters = {**request.model_dump(exclude={"schedule", "history"}), **documents}
    since = ledger_size(served.database())
    ran = run_flow(served.options, "retire-schedule", parameters)
    database = served.database()
    records = collect(database, RETIREMENT_KIND, since=since, flow_run_id=ran.flow_run_id) if database else []
    if not ran.is_completed or not records:
        raise explain_failure(ran)
    return {"retirement": records[0], "metadata": records[0]}
