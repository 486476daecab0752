"""Grants exceptions, as a flow run, and answers with what was written down."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills.evidence.record_kinds import EXCEPTION_KIND
from rollback_drills.followup.exceptions.exception import ExceptionKind, Grant, read_end
from rollback_drills.followup.exceptions.exception_grants import grant_exception
from rollback_drills_api.approval_bodies import ExceptionBody
from rollback_drills_api.flow_runs import documents_of
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import administering
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.recorded import ExceptionAnswer
from rollback_drills_api.run_records import record_by_flow
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix=PREFIX, tags=["acting"], dependencies=[nothing_asked])


@router.post("/{schedule_id:path}/exceptions", responses=described("exception", 404))
async def grant(
    served: Served, caller: Annotated[str, Depends(administering)], schedule_id: str, body: ExceptionBody
) -> Response:
    """Skip, postpone or waive the current cycle of a schedule; meanwhile nobody is notified of it."""
    return await served.act(lambda: _grant(served, caller, schedule_id, body))


def _grant(served: Service, caller: str, schedule_id: str, body: ExceptionBody) -> ExceptionAnswer:
    served.fleet.judged().find(schedule_id)
    approver, now = name_caller(caller, body.approver), datetime.now(UTC)
    requested_by = name_caller(caller, body.requested_by) if body.requested_by else ""
    kind = ExceptionKind(body.exception)
    given = Grant(kind, read_end(body.until), body.reason, approver, requested_by)
    # Whatever is wrong with it is known before a run is started for nothing.
    settings = served.options.settings
    grant_exception(given, settings, schedule_id, now=now, created_at=now, signer=caller)
    parameters = {
        "exception": body.exception,
        "until": given.until,
        "reason": body.reason,
        "approver": approver,
        "requested_by": requested_by,
        "schedule_id": schedule_id,
        "generated_by": caller,
        **documents_of(served.options),
    }
    record, *_ = record_by_flow(served, "grant-exception", parameters, EXCEPTION_KIND)
    return ExceptionAnswer(record, record)
