"""The reports of the documents that promote a backend: fields as users read them, in their order."""

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.readiness.reports import Check
from rollback_drills.readiness.states import Mode, Readiness

Minutes = float | int | None


class EvidenceFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The facts of promotion evidence."""

    valid: bool
    schema_version: str
    parity_status: str
    deployment_status: str
    approved: bool
    approval_id: str
    evidence_refs: tuple[str, ...]
    message: str


class PlanFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The facts of a rollback plan."""

    valid: bool
    schema_version: str
    status: str
    target_mode: str
    approved: bool
    approval_id: str
    max_recovery_minutes: Minutes
    controls: tuple[str, ...]
    rollback_steps: tuple[str, ...]
    evidence_refs: tuple[str, ...]
    message: str


class RehearsalFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The facts of a rehearsal of the plan."""

    valid: bool
    schema_version: str
    status: str
    plan_approval_id: str
    simulated: bool
    fallback_verified: bool
    recovery_minutes: Minutes
    max_recovery_minutes: Minutes
    runbook_ref: str
    evidence_refs: tuple[str, ...]
    message: str


class _Report(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the three reports begin with."""

    schema_version: str
    product: str = PRODUCT
    generated_at: str
    generated_by: str
    mode: Mode
    status: Readiness


class EvidenceReport(_Report, frozen=True, gc=False, kw_only=True):
    """What is found about the promotion evidence at one time."""

    schema_version: str = "cavra.go-backend-pilot.promotion-readiness.v1"
    path: str = msgspec.field(name="promotion_evidence_path")
    checks: tuple[Check, ...]
    facts: EvidenceFacts = msgspec.field(name="promotion_evidence")


class PlanReport(_Report, frozen=True, gc=False, kw_only=True):
    """What is found about the rollback plan at one time."""

    schema_version: str = "cavra.go-backend-pilot.rollback-readiness.v1"
    path: str = msgspec.field(name="rollback_plan_path")
    checks: tuple[Check, ...]
    facts: PlanFacts = msgspec.field(name="rollback_plan")


class RehearsalReport(_Report, frozen=True, gc=False, kw_only=True):
    """What is found about the rehearsal at one time."""

    schema_version: str = "cavra.go-backend-pilot.rollback-rehearsal.v1"
    path: str = msgspec.field(name="rollback_rehearsal_path")
    checks: tuple[Check, ...]
    facts: RehearsalFacts = msgspec.field(name="rollback_rehearsal")


PromotionReport = EvidenceReport | PlanReport | RehearsalReport


class PromotionReports(msgspec.Struct, frozen=True):
    """The reports of the three documents."""

    evidence: EvidenceReport
    plan: PlanReport
    rehearsal: RehearsalReport
