"""The documents that promote a backend: the evidence, the rollback plan and its rehearsal."""

from typing import Final

import msgspec

from rollback_drills.documents.fields import Document, Minutes, Name, ReviewedValue
from rollback_drills.documents.reading.reader import D, Loaded, read_document

PROMOTION_SCHEMA: Final = "cavra.go-backend-promotion-evidence.v1"
ROLLBACK_PLAN_SCHEMA: Final = "cavra.go-backend-rollback-plan.v1"
REHEARSAL_SCHEMA: Final = "cavra.go-backend-rollback-rehearsal.v1"


class PromotionDocument(Document, frozen=True, gc=False):
    """What the three documents have in common. Absent facts are judged, not refused here."""

    schema_version: str = ""
    reviewed_values: tuple[ReviewedValue, ...] = ()


class PromotionEvidence(PromotionDocument, frozen=True, gc=False):
    """What was shown before the Go backend was promoted."""

    parity_status: str = ""
    deployment_status: str = ""
    approved: bool = False
    approval_id: str = ""
    evidence_refs: tuple[str, ...] = ()


class RollbackPlan(PromotionDocument, frozen=True, gc=False):
    """How the way back to the Python fallback is gone."""

    status: str = ""
    target_mode: str = ""
    approved: bool = False
    approval_id: str = ""
    max_recovery_minutes: Minutes | None = None
    controls: tuple[Name, ...] = ()
    rollback_steps: tuple[str, ...] = ()
    evidence_refs: tuple[str, ...] = ()


class RollbackRehearsal(PromotionDocument, frozen=True, gc=False):
    """One rehearsal of the plan, before the promotion."""

    status: str = ""
    plan_approval_id: str = ""
    simulated: bool | None = None
    fallback_verified: bool | None = None
    recovery_minutes: Minutes | None = None
    max_recovery_minutes: Minutes | None = None
    runbook_ref: str = ""
    evidence_refs: tuple[str, ...] = ()


class PromotionDocuments(msgspec.Struct, frozen=True, kw_only=True):
    """The three documents as they were found; None where no path is configured."""

    evidence: Loaded[PromotionEvidence] | None = None
    plan: Loaded[RollbackPlan] | None = None
    rehearsal: Loaded[RollbackRehearsal] | None = None


def load_promotion(
    evidence_path: str | None, plan_path: str | None, rehearsal_path: str | None
) -> PromotionDocuments:
    """Load the documents that three paths stand for; never raises for what a file can hold."""
    return PromotionDocuments(
        evidence=_read(PromotionEvidence, evidence_path),
        plan=_read(RollbackPlan, plan_path),
        rehearsal=_read(RollbackRehearsal, rehearsal_path),
    )


def _read(model: type[D], path: str | None) -> Loaded[D] | None:
    return None if path is None else read_document(model, path)
