"""Replays: requests, approvals and executions; each is a flow run, answered with what it wrote."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from msgspec import Raw
from starlette.responses import Response

from rollback_drills.documents.evidence_texts import require_person
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.record_kinds import (
    REPLAY_APPROVAL_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
)
from rollback_drills.outbox.queries import find_dead_letters, get_row
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.found_replays import find_replays
from rollback_drills.recovery.recorded_act import may_replay
from rollback_drills.recovery.replay_checks import check_open, check_replayable, check_undecided
from rollback_drills_api.approval_bodies import ReplayApprovalBody, ReplayBody, ReplayExecutionBody
from rollback_drills_api.flow_runs import explain_failure, find_replay_approvals, run_flow
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import administering, operating
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.problems import Problem
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.recorded import ReplayAnswer
from rollback_drills_api.run_records import collect, ledger_size
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix=f"{PREFIX}/replays", tags=["acting"], dependencies=[nothing_asked])

Operator = Annotated[str, Depends(operating)]
_APPROVED_AS_USUAL = ReplayApprovalBody()
_EXECUTED_AS_USUAL = ReplayExecutionBody()


class _Refusal(msgspec.Struct, frozen=True, gc=False):
    """What is needed of the record of a refusal."""

    problem: str


@router.post("", responses=described("replay_request", 404))
async def request(served: Served, caller: Operator, body: ReplayBody) -> Response:
    """Request a replay of what was not delivered, for somebody else to approve; nothing is sent yet."""

    def run() -> ReplayAnswer:
        act = Act(name_caller(caller, body.requested_by), body.reason)
        return _answer(ask_for_replay(served, act, body.notification_ids, body.provider or ""))

    return await served.act(run)


@router.post("/{replay_id}/approve", responses=described("replay_approval", 404))
async def approve(
    served: Served,
    caller: Annotated[str, Depends(administering)],
    replay_id: str,
    body: ReplayApprovalBody = _APPROVED_AS_USUAL,
) -> Response:
    """Approve a replay that somebody else requested; it is executed later."""
    return await served.act(
        lambda: _answer(approve_replay(served, name_caller(caller, body.approved_by), replay_id))
    )


@router.post("/{replay_id}/execute", responses=described("replay_execution", 404))
async def execute(
    served: Served, caller: Operator, replay_id: str, body: ReplayExecutionBody = _EXECUTED_AS_USUAL
) -> Response:
    """Execute an approved replay, once: its notifications are sent at once, as a flow run."""
    further = body.model_dump(exclude={"replayed_by"})
    return await served.act(
        lambda: _answer(execute_replay(served, name_caller(caller, body.replayed_by), replay_id, **further))
    )


def send_again(served: Service, act: Act, notification_id: str, *, with_all: bool = False) -> bool:
    """Replay a notification, or with all dead letters of its connector; request it if that is needed.

    Returns whether it was replayed; where the connector needs an approval, that was requested.

    Raises:
        UsageError: There is no such notification, or it cannot be replayed.
        Problem: The run failed, or the Prefect server does not say whether an approval is needed.
    """
    database = served.database()
    row = get_row(database, notification_id) if database else None
    if row is None:
        raise UsageError("the notification is not in the outbox any more")
    ids = () if with_all else (notification_id,)
    if not may_replay(row.provider, find_replay_approvals()):
        ask_for_replay(served, act, ids, row.provider)
        return False
    act.check(by="replayed_by")
    parameters = {"reason": act.reason, "replayed_by": act.by, **_choose(ids, row.provider)}
    check = partial(_check_chosen, served, ids, row.provider)
    _run(served, "replay-notifications", parameters, REPLAY_EXECUTION_KIND, check)
    return True


def ask_for_replay(served: Service, act: Act, notification_ids: Sequence[str], provider: str = "") -> Raw:
    """Request a replay as a flow run, and return its record.

    Raises:
        UsageError: It cannot be requested.
        Problem: There is no such notification, or the run failed.
    """
    act.check(by="requested_by")
    database = served.database()
    for each in notification_ids:
        if database is None or get_row(database, each) is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no notification {show(each)} in the outbox")
    parameters = {"reason": act.reason, "requested_by": act.by, **_choose(notification_ids, provider)}
    check = partial(_check_chosen, served, notification_ids, provider)
    return _run(served, "request-replay", parameters, REPLAY_REQUEST_KIND, check)


def approve_replay(served: Service, approved_by: str, replay_id: str) -> Raw:
    """Approve a replay as a flow run, and return the record of the approval.

    Raises:
        UsageError: It cannot be approved by this person, which is written, or not any more.
        Problem: There is no such request, or the run failed.
    """
    require_person(approved_by, field="approved_by")
    parameters = {"replay_id": replay_id, "approved_by": approved_by}
    check = partial(_check_request, served, replay_id, check_undecided)
    return _run(served, "approve-replay", parameters, REPLAY_APPROVAL_KIND, check)


def execute_replay(served: Service, replayed_by: str, replay_id: str, **further: float) -> Raw:
    """Execute an approved replay as a flow run, and return the record of the execution.

    Raises:
        UsageError: Nobody has approved it, which is written, or it was executed.
        Problem: There is no such request, or the run failed.
    """
    require_person(replayed_by, field="replayed_by")
    parameters = {"replay_id": replay_id, "replayed_by": replayed_by, **further}
    check = partial(_check_request, served, replay_id, check_open)
    return _run(served, "execute-replay", parameters, REPLAY_EXECUTION_KIND, check)


def _choose(notification_ids: Sequence[str], provider: str) -> dict[str, list[str] | str]:
    return {"notification_ids": list(notification_ids), "provider": "" if notification_ids else provider}


def _check_chosen(served: Service, notification_ids: Sequence[str], provider: str) -> None:
    database = served.database()
    if database is None:
        raise UsageError("there is no outbox yet")
    wanted = notification_ids or find_dead_letters(database, provider)
    if not wanted:
        raise UsageError(f"{provider} has no dead letters that matter")
    check_replayable(database, wanted)


def _check_request(served: Service, replay_id: str, check: Callable[..., None]) -> None:
    database = served.database()
    if database is not None:
        with database.read() as connection:
            found = find_replays(connection, replay_id)
        if found:
            return check(found[0], now=database.now())
    raise Problem(HTTPStatus.NOT_FOUND, "there is no request for a replay of this id in the evidence")


def _run(
    served: Service, name: str, parameters: Mapping[str, object], kind: str, check: Callable[[], None]
) -> Raw:
    """Run a flow, and return the one record that it wrote, also if not everything was delivered.

    Args:
        served: The service.
        name: The flow.
        parameters: Those of the flow.
        kind: The kind of the record.
        check: Ensures that there is something to do. It is called again after a run that wrote nothing:
            somebody else may have been first.
    """
    check()
    since = ledger_size(served.database())
    ran = run_flow(served.options, name, parameters)
    if database := served.database():
        for record in collect(database, kind, since=since, flow_run_id=ran.flow_run_id):
            return record
        for refusal in collect(database, REPLAY_REFUSAL_KIND, since=since, flow_run_id=ran.flow_run_id):
            problem = msgspec.json.decode(refusal, type=_Refusal).problem
            raise UsageError(f"{problem}. The refusal is in the evidence")
    check()
    raise explain_failure(ran)


def _answer(record: Raw) -> ReplayAnswer:
    return ReplayAnswer(record, record)
