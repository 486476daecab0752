"""Delivers now, as a flow run, and answers with what it did."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from msgspec import Raw
from starlette.responses import Response

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.planning.routes import (
    check_requested,
    known_providers,
    named_providers,
    parse_requested,
)
from rollback_drills.readiness.judgement import judge_all
from rollback_drills_api.bodies import DeliverBody
from rollback_drills_api.flow_runs import documents_of, explain_failure, find_connectors, run_flow
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import operating
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.run_records import CollectedResult, CollectedResults, collect_delivery, ledger_size
from rollback_drills_api.service import Served, Service

router = APIRouter(prefix=PREFIX, tags=["acting"], dependencies=[nothing_asked])

_AS_USUAL: Final = DeliverBody()


@router.post("/deliver", responses=described("deliver"))
async def deliver(
    served: Served, caller: Annotated[str, Depends(operating)], body: DeliverBody = _AS_USUAL
) -> Response:
    """Plan and deliver the notifications of rollback drills now, as a flow run; wait for its end."""
    return await served.act(lambda: _deliver(served, caller, body))


def _deliver(served: Service, caller: str, body: DeliverBody) -> CollectedResult | CollectedResults | Raw:
    _check(served, body)
    options, as_of = served.options, datetime.now(UTC)
    generated_by = name_caller(caller, body.generated_by)
    parameters = {**body.model_dump(), "generated_by": generated_by, "as_of": as_of}
    if options.is_embedded:
        settings = options.settings
        parameters |= {
            **documents_of(options),
            "mode": settings.mode.value,
            "changes": settings.changes,
            "due_soon_days": settings.due_soon_days,
            "max_age_days": settings.max_age_days,
        }
    since = ledger_size(served.database())
    ran = run_flow(options, "deliver-notifications", parameters)
    if ran.result is not None:
        return ran.result
    settings = options.settings
    fleet = load_fleet(settings.schedule, settings.history, settings.changes)
    judgements = judge_all(fleet.subjects, settings.criteria, now=as_of, generated_by=generated_by)
    database = served.database()
    results = (
        collect_delivery(database, judgements, since=since, flow_run_id=ran.flow_run_id) if database else []
    )
    if not results:
        raise explain_failure(ran)
    return results[0] if fleet.is_single else CollectedResults(results)


def _check(served: Service, body: DeliverBody) -> None:
    """Refuse what no run could do, before one is started for nothing.

    Raises:
        UsageError: A provider is unknown, or the policy cannot be used.
    """
    requested = parse_requested(body.provider)
    read_policy(body.routing_policy)
    if requested is not None:
        sources = [subject.schedule for subject in served.fleet.judged().subjects]
        check_requested(requested, known_providers(named_providers(sources), requested, find_connectors))
