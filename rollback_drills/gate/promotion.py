"""Judges the documents that promote a backend: a report of each, like those of history and schedule."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeVar

import msgspec

from rollback_drills.documents.promotion import (
    PROMOTION_SCHEMA,
    REHEARSAL_SCHEMA,
    ROLLBACK_PLAN_SCHEMA,
    PromotionDocument,
    PromotionDocuments,
    PromotionEvidence,
    RollbackPlan,
    RollbackRehearsal,
)
from rollback_drills.documents.quotation import state
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.utc import write_instant
from rollback_drills.gate.promotion_faults import Fault, find_in_evidence, find_in_plan, find_in_rehearsal
from rollback_drills.gate.promotion_reports import (
    EvidenceFacts,
    EvidenceReport,
    PlanFacts,
    PlanReport,
    PromotionReports,
    RehearsalFacts,
    RehearsalReport,
)
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.readiness.checklist import Checklist
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.states import Mode, Readiness

P = TypeVar("P", bound=PromotionDocument)
R = TypeVar("R", EvidenceReport, PlanReport, RehearsalReport)


class _Kind(msgspec.Struct, Generic[P, R], frozen=True):
    """What is peculiar to the report of one kind of document."""

    model: type[P]
    schema: str
    report: Callable[..., R]
    facts: Callable[..., EvidenceFacts | PlanFacts | RehearsalFacts]
    """Has a fact for each key of the document."""
    not_configured: str
    checklist: Checklist


class _Made(msgspec.Struct, frozen=True):
    """When reports are made, for whom, and in which mode."""

    at: str
    by: str
    mode: Mode


_PROMOTION: Final = _Kind(
    PromotionEvidence,
    PROMOTION_SCHEMA,
    EvidenceReport,
    EvidenceFacts,
    f"no promotion evidence is configured; set {VARIABLES['promotion_evidence']} or give its path",
    Checklist(
        "go_promotion_evidence",
        "promotion evidence",
        {
            "go_promotion_parity": "the parity of both backends was audited, and passed",
            "go_promotion_deployment": "the deployment was ready",
            "go_promotion_approved": "the promotion is approved",
        },
    ),
)
_PLAN: Final = _Kind(
    RollbackPlan,
    ROLLBACK_PLAN_SCHEMA,
    PlanReport,
    PlanFacts,
    f"no rollback plan is configured; set {VARIABLES['rollback_plan']} or give its path",
    Checklist(
        "go_rollback_plan",
        "a rollback plan",
        {
            "go_rollback_plan_ready": "the plan is ready",
            "go_rollback_plan_disabled_target": "the plan ends in disabled mode",
            "go_rollback_plan_approved": "the plan is approved",
            "go_rollback_plan_controls": "every control is in place",
            "go_rollback_plan_steps": "the steps are written down",
            "go_rollback_plan_evidence": "evidence is named",
        },
    ),
)
_REHEARSAL: Final = _Kind(
    RollbackRehearsal,
    REHEARSAL_SCHEMA,
    RehearsalReport,
    RehearsalFacts,
    f"no rollback rehearsal is configured; set {VARIABLES['rollback_rehearsal']} or give its path",
    Checklist(
        "go_rollback_rehearsal",
        "a rollback rehearsal",
        {
            "go_rollback_rehearsal_passed": "the rehearsal passed",
            "go_rollback_rehearsal_simulated": "the rehearsal was a simulation",
            "go_rollback_rehearsal_fallback_verified": "the fallback was verified",
            "go_rollback_rehearsal_recovery": "the recovery took no longer than it was allowed to",
            "go_rollback_rehearsal_evidence": "runbook and evidence are named",
            "go_rollback_rehearsal_plan": "the rehearsal is of the approved plan",
        },
    ),
)


def report_promotion(
    documents: PromotionDocuments, criteria: Criteria, *, now: datetime, generated_by: str = "cli"
) -> PromotionReports:
    """Judge promotion evidence, rollback plan and rehearsal at an instant."""
    evidence, plan, rehearsal = documents.evidence, documents.plan, documents.rehearsal
    approval_id = plan.document.approval_id if plan and plan.document else ""
    find_in_this = partial(find_in_rehearsal, approval_id=approval_id)
    made = _Made(write_instant(now), generated_by, criteria.mode)
    return PromotionReports(
        _report(_PROMOTION, evidence, find_in_evidence, made),
        _report(_PLAN, plan, find_in_plan, made),
        _report(_REHEARSAL, rehearsal, find_in_this, made),
    )


def _report(
    kind: _Kind[P, R], source: Loaded[P] | None, find: Callable[[P], Iterator[Fault]], made: _Made
) -> R:
    document = source.document if source else None
    faults = dict(find(document)) if document else {}
    problem = _find_problem(kind, source, faults)
    message = problem or f"{kind.checklist.document} is in order"
    requested = source is not None or made.mode is Mode.PROMOTED
    if not requested:
        status = Readiness.NOT_REQUESTED
    else:
        status = Readiness.NEEDS_ATTENTION if problem else Readiness.READY
    if source is None or document is None:
        findings = dict.fromkeys(kind.checklist.facts, problem)
    else:
        findings = {check_id: f"{source.path}: {fault}" for check_id, fault in faults.items()}
    said = msgspec.structs.asdict(document or kind.model())
    del said["reviewed_values"]  # they say something of the text, not of the promotion
    return kind.report(
        generated_at=made.at,
        generated_by=made.by,
        mode=made.mode,
        status=status,
        path=source.path if source else "",
        checks=kind.checklist.fill_in(source, message, findings, valid=not problem, requested=requested),
        facts=kind.facts(valid=not problem, **said, message=message),
    )


def _find_problem(kind: _Kind[P, Any], source: Loaded[P] | None, faults: dict[str, str]) -> str:
    """Return what keeps the document from being valid, the most basic reason first; empty if nothing does."""
    if source is None:
        return kind.not_configured
    if source.document is None:
        return source.problem
    version = source.document.schema_version
    if version != kind.schema:
        return f'{source.path}: $.schema_version {state(version)}; must be "{kind.schema}"'
    return next((f"{source.path}: {fault}" for fault in faults.values()), "")
