"""Requests for exceptions, and the decisions about them: each is a flow run, answered with what it wrote."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Query as QueryParameters
from msgspec import Raw
from starlette.responses import Response

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record_kinds import (
    EXCEPTION_DECLINE_KIND,
    EXCEPTION_KIND,
    EXCEPTION_REQUEST_KIND,
)
from rollback_drills.followup.exceptions.exception import ExceptionKind, read_end
from rollback_drills.followup.exceptions.exception_decisions import record_decline
from rollback_drills.followup.exceptions.exception_grants import approve_request, request_exception
from rollback_drills.followup.exceptions.exception_requests import FoundRequest, RequestedException, Wish
from rollback_drills.followup.exceptions.found_requests import find_request, read_open_requests
from rollback_drills.followup.requests import DecisionName
from rollback_drills.followup.retirements.retirement import keep_followed_cycles
from rollback_drills_api.approval_bodies import ApprovalBody, AskBody, DeclineBody
from rollback_drills_api.flow_runs import documents_of
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import administering, operating
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.problems import Problem
from rollback_drills_api.queries import RequestQuery, nothing_asked
from rollback_drills_api.recorded import DeclineAnswer, ExceptionAnswer, RequestAnswer
from rollback_drills_api.run_records import record_by_flow
from rollback_drills_api.service import Readable, Served, Service

router = APIRouter(prefix=PREFIX, tags=["acting"])

Administrator = Annotated[str, Depends(administering)]
_AS_USUAL = ApprovalBody()


class RequestPage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A page of the requests that wait for a decision."""

    schema_version: str = "rollback-drills.exception-requests.v1"
    generated_at: str
    items: list[RequestedException]
    total: int
    limit: int
    offset: int


@router.get("/exception-requests", responses=described("requests"))
async def open_requests(served: Readable, wanted: Annotated[RequestQuery, QueryParameters()]) -> Response:
    """List the requests for exceptions that wait for a decision, those that expire first at the top."""

    def find() -> RequestPage:
        now, database = datetime.now(UTC), served.database()
        ids = None if wanted.schedule_id is None else [wanted.schedule_id]
        found = read_open_requests(database, now=now, schedule_ids=ids) if database else []
        return RequestPage(
            generated_at=write_instant(now),
            items=found[wanted.offset : wanted.offset + wanted.limit],
            total=len(found),
            limit=wanted.limit,
            offset=wanted.offset,
        )

    return await served.answers.give(("requests", wanted.key), served.evidence_version, find)


@router.post(
    "/{schedule_id:path}/exception-requests",
    dependencies=[nothing_asked],
    responses=described("request", 404),
)
async def request(
    served: Served, caller: Annotated[str, Depends(operating)], schedule_id: str, body: AskBody
) -> Response:
    """Request to skip, postpone or waive the current cycle of a schedule, for somebody else to approve."""

    def run() -> RequestAnswer:
        record = ask(served, name_caller(caller, body.requested_by), schedule_id, body)
        return RequestAnswer(record, record)

    return await served.act(run)


@router.post(
    "/exception-requests/{request_id}/approve",
    dependencies=[nothing_asked],
    responses=described("exception", 404),
)
async def approve(
    served: Served, caller: Administrator, request_id: str, body: ApprovalBody = _AS_USUAL
) -> Response:
    """Approve a request that somebody else made: the cycle is skipped, postponed or waived."""

    def run() -> ExceptionAnswer:
        by = name_caller(caller, body.decided_by)
        record = decide(served, by, request_id, "approve", body.reason)
        return ExceptionAnswer(record, record)

    return await served.act(run)


@router.post(
    "/exception-requests/{request_id}/decline",
    dependencies=[nothing_asked],
    responses=described("decline", 404),
)
async def decline(served: Served, caller: Administrator, request_id: str, body: DeclineBody) -> Response:
    """Decline a request; nothing changes for its cycle."""

    def run() -> DeclineAnswer:
        by = name_caller(caller, body.decided_by)
        record = decide(served, by, request_id, "decline", body.reason)
        return DeclineAnswer(record, record)

    return await served.act(run)


def ask(served: Service, requested_by: str, schedule_id: str, body: AskBody) -> Raw:
    """Request an exception as a flow run, and return its record.

    Raises:
        UsageError: It cannot be requested.
        Problem: There is no such schedule, or the run failed.
    """
    served.fleet.judged().find(schedule_id)
    settings, now, database = served.options.settings, datetime.now(UTC), served.database()
    wish = Wish(ExceptionKind(body.exception), read_end(body.until), body.reason, requested_by)
    waiting = read_open_requests(database, now=now) if database else ()
    # Whatever is wrong with it is known before a run is started for nothing.
    keep_cycles = partial(keep_followed_cycles, database)
    request_exception(wish, settings, schedule_id, keep_cycles, waiting, now=now, created_at=now)
    parameters = {
        "exception": body.exception,
        "until": wish.until,
        "reason": body.reason,
        "requested_by": requested_by,
        "schedule_id": schedule_id,
    }
    return _run(served, "request-exception", parameters, EXCEPTION_REQUEST_KIND)


def decide(served: Service, decided_by: str, request_id: str, decision: DecisionName, reason: str) -> Raw:
    """Approve or decline a request as a flow run, and return the record of the exception or the decline.

    Raises:
        UsageError: It cannot be decided by this person, or not any more.
        Problem: There is no such request, or the run failed.
    """
    found, now = _find(served, request_id), datetime.now(UTC)
    kind = EXCEPTION_KIND if decision == "approve" else EXCEPTION_DECLINE_KIND
    if decision == "approve":
        keep_cycles = partial(keep_followed_cycles, served.database())
        settings = served.options.settings
        approve_request(found, decided_by, settings, keep_cycles, remark=reason, now=now, created_at=now)
    else:
        record_decline(found, decided_by, reason, now=now, created_at=now)
    parameters = {
        "request_id": request_id,
        "decision": decision,
        "decided_by": decided_by,
        "reason": reason,
    }
    return _run(served, "decide-exception", parameters, kind)


def _find(served: Service, request_id: str) -> FoundRequest:
    database = served.database()
    found = find_request(database, request_id) if database else None
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no request of this id in the evidence")
    return found


def _run(served: Service, name: str, parameters: Mapping[str, object], kind: str) -> Raw:
    """Run a flow, and return the one record that it wrote."""
    return record_by_flow(served, name, {**parameters, **documents_of(served.options)}, kind)[0]
