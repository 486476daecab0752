"""The documents that are built on demand: the audit package and the escalation plan. They write nothing."""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills.followup.escalations.escalation_plan import EscalationPlan, build_escalation_plan
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.reports.audit.audit_document import AuditPackage
from rollback_drills.reports.audit.audit_reading import find_package
from rollback_drills.reports.filters import PackageFilter
from rollback_drills.reports.period import Period
from rollback_drills_api.bodies import EscalationBody, PackageBody
from rollback_drills_api.built_metadata import BuiltMetadata, describe_built
from rollback_drills_api.http.callers import name_caller
from rollback_drills_api.http.security import asking
from rollback_drills_api.lookback import PREFIX
from rollback_drills_api.openapi.operations import described
from rollback_drills_api.queries import nothing_asked, read_bounds
from rollback_drills_api.service import Served

router = APIRouter(prefix=PREFIX, tags=["acting"], dependencies=[nothing_asked])

_ALL: Final = PackageBody()
_AS_USUAL: Final = EscalationBody()

Asker = Annotated[str, Depends(asking)]


class PackageAnswer(msgspec.Struct, frozen=True, gc=False):
    """An audit package, and what would be its index record."""

    audit_package: AuditPackage
    metadata: BuiltMetadata


class EscalationAnswer(msgspec.Struct, frozen=True, gc=False):
    """An escalation plan, and what would be its index record."""

    plan: EscalationPlan
    metadata: BuiltMetadata


@router.post("/acknowledgements/audit-package", responses=described("package"))
async def audit_package(served: Served, caller: Asker, body: PackageBody = _ALL) -> Response:
    """List for an auditor who was notified, who acknowledged and who did not; nothing is written."""
    generated_by = name_caller(caller, body.generated_by)

    def build() -> PackageAnswer:
        period = Period(*read_bounds(body.since, body.until))
        wanted = PackageFilter(body.schedule_id, body.provider, body.owner)
        package = find_package(
            served.database(), wanted, period, now=datetime.now(UTC), generated_by=generated_by
        )
        return PackageAnswer(package, describe_built(package, str(package.audit_id)))

    return await served.build(build)


@router.post("/escalation-plan", responses=described("escalation"))
async def escalation_plan(served: Served, caller: Asker, body: EscalationBody = _AS_USUAL) -> Response:
    """List what nobody acknowledged in time, and who is notified next; nothing is sent."""
    generated_by = name_caller(caller, body.generated_by)

    def build() -> EscalationAnswer:
        now, database = datetime.now(UTC), served.database()
        cycles = read_open_cycles(database, now=now) if database else []
        rules = served.find_rules(database, cycles)
        plan = build_escalation_plan(cycles, now=now, generated_by=generated_by, rules=rules)
        return EscalationAnswer(plan, describe_built(plan, plan.plan_id))

    return await served.build(build)
