"""Acknowledges, as a flow run, and answers with what was written down."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from msgspec import Raw
from starlette.responses import Response

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import acknowledge
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice, choose_routes
from rollback_drills.followup.requests import Said
from rollback_drills_api.bodies import AcknowledgeBody, BulkBody, SaidBody
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import operating
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.problems import Problem
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.recorded import (
    AcknowledgementAnswer,
    BulkAnswer,
    answer_acknowledgements,
    answer_bulk,
)
from rollback_drills_api.run_records import record_by_flow
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix=PREFIX, tags=["acting"], dependencies=[nothing_asked])

Operator = Annotated[str, Depends(operating)]


@router.post("/acknowledgements/bulk", responses=described("bulk"))
async def acknowledge_many(served: Served, caller: Operator, body: BulkBody) -> Response:
    """Acknowledge up to a hundred routes: all of them, or none."""
    choices = [RouteChoice(**each.model_dump()) for each in body.routes]

    def run() -> BulkAnswer:
        records = _acknowledge(served, _existing(served), caller, choices, body, are_listed=True)
        return answer_bulk(records, body.acknowledgement_state)

    return await served.act(run)


@router.post("/{schedule_id:path}/acknowledgements", responses=described("acknowledge", 404))
async def acknowledge_schedule(
    served: Served, caller: Operator, schedule_id: str, body: AcknowledgeBody
) -> Response:
    """Acknowledge the notifications of a schedule: those of its newest cycle, unless the body names one."""
    choice = RouteChoice(body.cycle_id, body.plan_id, schedule_id, body.provider, body.owner)

    def run() -> AcknowledgementAnswer:
        database = _existing(served)
        _check_known(database, schedule_id)
        return answer_acknowledgements(_acknowledge(served, database, caller, [choice], body))

    return await served.act(run)


def acknowledge_choices(
    served: Service, caller: str, choices: Sequence[RouteChoice], body: SaidBody
) -> list[Raw]:
    """Acknowledge routes as a flow run, and return the records.

    Raises:
        UsageError: What is said cannot be said of them.
        Problem: There is no evidence yet, or the run failed.
    """
    return _acknowledge(served, _existing(served), caller, choices, body)


def _acknowledge(
    served: Service,
    database: Database,
    caller: str,
    choices: Sequence[RouteChoice],
    body: SaidBody,
    *,
    are_listed: bool = False,
) -> list[Raw]:
    by, now = name_caller(caller, body.acknowledged_by), datetime.now(UTC)
    said = body.to_acknowledgement(by)
    # Whatever is wrong with it is known before a run is started for nothing.
    given = [(each, said) for each in choices]
    acknowledge(EvidenceIndex(database), given, now=now, created_at=now, are_listed=are_listed)
    parameters = {
        **{name: getattr(body, name) for name in Said.model_fields},
        "acknowledged_by": by,
        "routes": [asdict(each) for each in choices],
    }
    return record_by_flow(served, "acknowledge-notification", parameters, ACKNOWLEDGEMENT_KIND)


def _existing(served: Service) -> Database:
    database = served.database()
    if database is None:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no evidence yet, and so nothing to acknowledge")
    return database


def _check_known(database: Database, schedule_id: str) -> None:
    """Ensure that a schedule was ever planned for."""
    try:
        choose_routes(EvidenceIndex(database), RouteChoice(schedule_id=schedule_id))
    except UsageError:
        raise Problem(
            HTTPStatus.NOT_FOUND, "there is no schedule of this id in the evidence; has a check run?"
        ) from None
