"""The writes: deliver and acknowledge, each as a flow run; and the documents that are built on demand."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills.database import Database
from rollback_drills.documents.fleet import load_fleet
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.followup.acknowledgement import Acknowledgement, AcknowledgementState
from rollback_drills.followup.acknowledging import acknowledge
from rollback_drills.followup.escalation_plan import ESCALATION_PLAN_SCHEMA, build_escalation_plan
from rollback_drills.followup.reading import read_open_cycles
from rollback_drills.followup.routes import RouteChoice, choose_routes
from rollback_drills.judging import judge_all
from rollback_drills.readiness.terms import Report
from rollback_drills.redaction import redactor_in_use
from rollback_drills.reviewing.audit_package import AUDIT_PACKAGE_SCHEMA
from rollback_drills.reviewing.audit_reading import find_package
from rollback_drills.reviewing.filters import PackageFilter
from rollback_drills.reviewing.period import Period
from rollback_drills.settings import Settings
from rollback_drills_api.acting import describe_built, name_caller
from rollback_drills_api.answers import encode
from rollback_drills_api.bodies import AcknowledgeBody, BulkBody, DeliverBody, EscalationBody, PackageBody
from rollback_drills_api.collecting import collect_acknowledgements, collect_delivery, ledger_size
from rollback_drills_api.describing import described
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.problems import Problem
from rollback_drills_api.queries import read_bounds
from rollback_drills_api.running import Ran, run_deployed, run_embedded
from rollback_drills_api.security import asking, operating
from rollback_drills_api.service import Served, Service

logger = logging.getLogger(__name__)

router = APIRouter(prefix=PREFIX, tags=["acting"])

_AS_USUAL_DELIVER: Final = DeliverBody()
_AS_USUAL_PACKAGE: Final = PackageBody()
_AS_USUAL_ESCALATION: Final = EscalationBody()

Operator = Annotated[str, Depends(operating)]
Asker = Annotated[str, Depends(asking)]


@router.post("/deliver", **described("deliver"))
async def deliver(served: Served, caller: Operator, body: DeliverBody = _AS_USUAL_DELIVER) -> Response:
    """Plan and deliver the notifications of rollback drills now, as a flow run; wait for its end."""
    return await _answer(served, lambda: _deliver(served, caller, body))


@router.post("/acknowledgements/bulk", **described("bulk"))
async def acknowledge_many(served: Served, caller: Operator, body: BulkBody) -> Response:
    """Acknowledge up to a hundred routes: all of them, or none."""
    choices = [RouteChoice(**each.model_dump()) for each in body.routes]

    def run() -> Report:
        records = _acknowledge(served, caller, choices, body)
        return {"acknowledgement_count": len(records), "acknowledgements": records}

    return await _answer(served, run)


@router.post("/acknowledgements/audit-package", **described("package"))
async def audit_package(served: Served, caller: Asker, body: PackageBody = _AS_USUAL_PACKAGE) -> Response:
    """Put together who was told, who took notice and who did not, for an auditor; writes nothing."""
    generated_by = name_caller(caller, body.generated_by)

    def build() -> Report:
        period = Period(*read_bounds(body.since, body.until))
        wanted = PackageFilter(body.schedule_id, body.provider, body.owner)
        package = find_package(
            served.database(), wanted, period, now=datetime.now(UTC), generated_by=generated_by
        )
        metadata = describe_built(package, AUDIT_PACKAGE_SCHEMA, "audit_id")
        return {"audit_package": package, "metadata": metadata}

    return await _answer(served, build, writes=False)


@router.post("/escalation-plan", **described("escalation"))
async def escalation_plan(
    served: Served, caller: Asker, body: EscalationBody = _AS_USUAL_ESCALATION
) -> Response:
    """Say which notifications nobody has acknowledged in time, and who is told next; sends nothing."""
    generated_by = name_caller(caller, body.generated_by)

    def build() -> Report:
        now, database = datetime.now(UTC), served.database()
        cycles = read_open_cycles(database, now=now) if database else []
        plan = build_escalation_plan(cycles, now=now, generated_by=generated_by)
        return {"plan": plan, "metadata": describe_built(plan, ESCALATION_PLAN_SCHEMA, "plan_id")}

    return await _answer(served, build, writes=False)


@router.post("/{schedule_id:path}/acknowledgements", **described("acknowledge", 404))
async def acknowledge_schedule(
    served: Served, caller: Operator, schedule_id: str, body: AcknowledgeBody
) -> Response:
    """Acknowledge what was told of a schedule: of its newest cycle, unless the body names another."""
    choice = RouteChoice(body.cycle_id, body.plan_id, schedule_id, body.provider, body.owner)

    def run() -> Report:
        database = _existing(served)
        _check_known(database, schedule_id)
        records = _acknowledge(served, caller, [choice], body)
        return {
            "acknowledgement": records[0],
            "metadata": records[0],
            "acknowledgement_count": len(records),
            "acknowledgements": records,
        }

    return await _answer(served, run)


async def _answer(served: Service, make: Callable[[], Report], *, writes: bool = True) -> Response:
    """Make a document in a thread; those that wait for flow runs leave the threads of the readers alone."""
    try:
        content = await to_thread.run_sync(lambda: encode(make()), limiter=served.waiting)
    finally:
        if writes:
            served.forget()
    return Response(content, media_type="application/json")


def _deliver(served: Service, caller: str, body: DeliverBody) -> Report:
    read_policy(body.routing_policy)  # before a run is started for nothing
    parameters = {**body.model_dump(), "generated_by": name_caller(caller, body.generated_by)}
    options = served.options
    if options.is_embedded:
        ran = run_embedded(
            "deliver-notifications",
            {**parameters, **_documents_of(options.settings)},
            timeout_seconds=options.flow_timeout_seconds,
        )
        if ran.result is None:
            raise _explain_failure(ran)
        return dict(ran.result)
    since, as_of = ledger_size(served.database()), datetime.now(UTC)
    ran = run_deployed(
        "deliver-notifications",
        {**parameters, "as_of": as_of},
        timeout_seconds=options.flow_timeout_seconds,
    )
    fleet = load_fleet(options.settings.schedule, options.settings.history)
    judgements = judge_all(
        fleet.subjects, options.settings.criteria, now=as_of, generated_by=parameters["generated_by"]
    )
    database = served.database()
    results = collect_delivery(database, judgements, since=since, as_of=as_of) if database else []
    if not results:
        raise _explain_failure(ran)
    return results[0] if fleet.is_single else {"runs": results}


def _documents_of(settings: Settings) -> dict[str, Any]:
    return {
        "schedule": settings.schedule,
        "history": settings.history,
        "mode": settings.mode.value,
        "due_soon_days": settings.due_soon_days,
        "max_age_days": settings.max_age_days,
    }


def _acknowledge(
    served: Service, caller: str, choices: Sequence[RouteChoice], body: AcknowledgeBody | BulkBody
) -> list[Report]:
    database, now = _existing(served), datetime.now(UTC)
    by = name_caller(caller, body.acknowledged_by)
    said = Acknowledgement(
        by, AcknowledgementState(body.acknowledgement_state), body.external_ref, body.notes, body.duration
    )
    # Whatever is wrong with it is known before a run is started for nothing.
    meant = acknowledge(EvidenceIndex(database), [(each, said) for each in choices], now=now, created_at=now)
    parameters = {
        "acknowledged_by": by,
        "routes": [asdict(each) for each in choices],
        "acknowledgement_state": body.acknowledgement_state,
        "acknowledged_for_days": body.acknowledged_for_days,
        "external_ref": body.external_ref,
        "notes": body.notes,
    }
    since = ledger_size(database)
    run = run_embedded if served.options.is_embedded else run_deployed
    ran = run("acknowledge-notification", parameters, timeout_seconds=served.options.flow_timeout_seconds)
    keys = {each["route_key"] for each in meant}
    records = collect_acknowledgements(database, since=since, signer=by, route_keys=keys)
    if not ran.is_completed or not records:
        raise _explain_failure(ran)
    return records


def _existing(served: Service) -> Database:
    database = served.database()
    if database is None:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no evidence yet, and so nothing to acknowledge")
    return database


def _check_known(database: Database, schedule_id: str) -> None:
    """See that a schedule was ever planned for."""
    try:
        choose_routes(EvidenceIndex(database), RouteChoice(schedule_id=schedule_id))
    except UsageError:
        raise Problem(
            HTTPStatus.NOT_FOUND, "there is no schedule of this id in the evidence; has a check run?"
        ) from None


def _explain_failure(ran: Ran) -> Exception:
    """Say why a run did nothing: because of what the caller asked for, or for a reason that the log has."""
    if ran.message.startswith(("--provider", "--routing-policy")):
        return UsageError(ran.message)
    logger.warning("a flow run failed: %s", redactor_in_use().text(ran.message))
    return Problem(HTTPStatus.BAD_GATEWAY, "the flow run failed; the log of the API and Prefect say why")
