"""Acknowledges, as a flow run, and answers with what was written down."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills import PRODUCT
from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.evidence.records import ACKNOWLEDGEMENT_KIND
from rollback_drills.followup.bulk_acknowledgement import acknowledge
from rollback_drills.followup.requests import Said
from rollback_drills.followup.route_choice import RouteChoice, choose_routes
from rollback_drills.readiness.terms import Report
from rollback_drills_api.acting import name_caller
from rollback_drills_api.bodies import AcknowledgeBody, BulkBody, SaidBody
from rollback_drills_api.collecting import collect, ledger_size
from rollback_drills_api.describing import described
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.problems import Problem
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.running import explain_failure, run_flow
from rollback_drills_api.security import operating
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix=PREFIX, tags=["acting"], dependencies=[nothing_asked])

BULK_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-bulk-acknowledgement.v1"
Operator = Annotated[str, Depends(operating)]


@router.post("/acknowledgements/bulk", responses=described("bulk"))
async def acknowledge_many(served: Served, caller: Operator, body: BulkBody) -> Response:
    """Acknowledge up to a hundred routes: all of them, or none."""
    choices = [RouteChoice(**each.model_dump()) for each in body.routes]

    def run() -> Report:
        records = _acknowledge(served, _existing(served), caller, choices, body)
        return {
            "schema_version": BULK_SCHEMA,
            "product": PRODUCT,
            "bulk_id": f"gordbulkack-{len(records)}-{records[0]['acknowledgement_id']}",
            "acknowledgement_state": body.acknowledgement_state,
            "acknowledgement_count": len(records),
            "acknowledgements": [_as_document(each) for each in records],
            "metadata": records,
        }

    return await served.act(run)


@router.post("/{schedule_id:path}/acknowledgements", responses=described("acknowledge", 404))
async def acknowledge_schedule(
    served: Served, caller: Operator, schedule_id: str, body: AcknowledgeBody
) -> Response:
    """Acknowledge what was told of a schedule: of its newest cycle, unless the body names another."""
    choice = RouteChoice(body.cycle_id, body.plan_id, schedule_id, body.provider, body.owner)

    def run() -> Report:
        database = _existing(served)
        _check_known(database, schedule_id)
        records = _acknowledge(served, database, caller, [choice], body)
        return {
            "acknowledgement": _as_document(records[0]),
            "metadata": records[0],
            "acknowledgement_count": len(records),
            "acknowledgements": records,
        }

    return await served.act(run)


def _as_document(record: Report) -> Report:
    """Return a record of the evidence as the acknowledgement that it holds."""
    return {**record, "schema_version": record["ack_schema_version"]}


def acknowledge_choices(
    served: Service, caller: str, choices: Sequence[RouteChoice], body: SaidBody
) -> list[Report]:
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
) -> list[Report]:
    by, now = name_caller(caller, body.acknowledged_by), datetime.now(UTC)
    said = body.to_acknowledgement(by)
    # Whatever is wrong with it is known before a run is started for nothing.
    acknowledge(EvidenceIndex(database), [(each, said) for each in choices], now=now, created_at=now)
    parameters = {
        **{name: getattr(body, name) for name in Said.model_fields},
        "acknowledged_by": by,
        "routes": [asdict(each) for each in choices],
    }
    since = ledger_size(database)
    ran = run_flow(served.options, "acknowledge-notification", parameters)
    records = collect(database, ACKNOWLEDGEMENT_KIND, since=since, flow_run_id=ran.flow_run_id)
    if not ran.is_completed or not records:
        raise explain_failure(ran)
    return records


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
