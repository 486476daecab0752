"""Judges the documents that promote a backend: a report of each, like those of history and schedule."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeVar

import msgspec

from rollback_drills.documents.fields import tidy, write_instant
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
from rollback_drills.documents.quotation import show, state
from rollback_drills.documents.reader import Loaded
from rollback_drills.gate.promotion_reports import (
    EvidenceFacts,
    EvidenceReport,
    PlanFacts,
    PlanReport,
    PromotionReports,
    RehearsalFacts,
    RehearsalReport,
)
from rollback_drills.names.variables import VARIABLES
from rollback_drills.readiness.checklist import Checklist
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.terms import Mode, Readiness

CONTROLS: Final = (
    "python-fallback-available",
    "promoted-mode-disable-tested",
    "rollback-approval-recorded",
    "operator-runbook-linked",
    "evidence-capture-enabled",
)
"""What a rollback plan must have in place; it may name more."""

_APPROVALS: Final = ("go_promotion_approved", "go_rollback_plan_approved")
_OUTCOMES: Final = {
    "go_promotion_parity": "parity_status",
    "go_rollback_rehearsal_passed": "status",
    "go_rollback_rehearsal_fallback_verified": "status",
    "go_rollback_rehearsal_recovery": "status",
}
"""Where the document says itself that it failed, which explains these faults."""

P = TypeVar("P", bound=PromotionDocument)
R = TypeVar("R", EvidenceReport, PlanReport, RehearsalReport)
Fault = tuple[str, str]
"""The id of a check that a document misses, and place, value and demand."""


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
    find_in_rehearsal = partial(_find_in_rehearsal, approval_id=approval_id)
    made = _Made(write_instant(now), generated_by, criteria.mode)
    return PromotionReports(
        _report(_PROMOTION, evidence, _find_in_evidence, made),
        _report(_PLAN, plan, _find_in_plan, made),
        _report(_REHEARSAL, rehearsal, find_in_rehearsal, made),
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
        return f'{source.path}: $.schema_version is {show(version)}; must be "{kind.schema}"'
    return next((f"{source.path}: {fault}" for fault in faults.values()), "")


def find_promotion_faults(document: PromotionDocument) -> Iterator[str]:
    """Yield path, value and remedy of the mistakes in one document; a fact is no mistake, however bad it is.

    Whether a rehearsal is of the approved plan only shows beside the plan.
    """
    schema, faults = _find_in_any(document)
    if document.schema_version != schema:
        yield _fault("schema_version", document.schema_version, f'must be "{schema}"')
    yield from (fault for check_id, fault in faults if not _is_fact(check_id, document))


def _find_in_any(document: PromotionDocument) -> tuple[str, Iterator[Fault]]:
    if isinstance(document, RollbackPlan):
        return _PLAN.schema, _find_in_plan(document)
    if isinstance(document, RollbackRehearsal):
        return _REHEARSAL.schema, _find_in_rehearsal(document, approval_id="")
    assert isinstance(document, PromotionEvidence)  # noqa: S101 - there are three kinds
    return _PROMOTION.schema, _find_in_evidence(document)


def _is_fact(check_id: str, document: PromotionDocument) -> bool:
    """Whether a fault is how things are: not approved yet, or failed and said so."""
    outcome = getattr(document, _OUTCOMES.get(check_id, ""), "")
    return check_id in _APPROVALS or outcome == "fail"


def _find_in_evidence(evidence: PromotionEvidence) -> Iterator[Fault]:
    if evidence.parity_status != "pass":
        yield "go_promotion_parity", _fault("parity_status", evidence.parity_status, 'must be "pass"')
    if evidence.deployment_status != "ready":
        yield (
            "go_promotion_deployment",
            _fault("deployment_status", evidence.deployment_status, 'must be "ready"'),
        )
    if not evidence.approved:
        yield "go_promotion_approved", _fault("approved", False, "have the promotion approved")


def _find_in_plan(plan: RollbackPlan) -> Iterator[Fault]:
    if plan.status != "ready":
        yield "go_rollback_plan_ready", _fault("status", plan.status, 'must be "ready"')
    if plan.target_mode != "disabled":
        fault = _fault("target_mode", plan.target_mode, 'must be "disabled"')
        yield "go_rollback_plan_disabled_target", fault
    if not plan.approved:
        yield "go_rollback_plan_approved", _fault("approved", False, "have the plan approved")
    if missing := [control for control in CONTROLS if control not in plan.controls]:
        fault = f"$.controls lacks {', '.join(missing)}; put it in place, and name it"
        yield "go_rollback_plan_controls", fault
    if not plan.rollback_steps:
        yield "go_rollback_plan_steps", _fault("rollback_steps", [], "write down at least one step")
    if not plan.evidence_refs:
        yield "go_rollback_plan_evidence", _fault("evidence_refs", [], "name the evidence that was kept")


def _find_in_rehearsal(rehearsal: RollbackRehearsal, approval_id: str) -> Iterator[Fault]:
    if rehearsal.status != "pass":
        yield "go_rollback_rehearsal_passed", _fault("status", rehearsal.status, 'must be "pass"')
    if not rehearsal.simulated:
        yield "go_rollback_rehearsal_simulated", _fault("simulated", False, "must be true")
    if not rehearsal.fallback_verified:
        yield "go_rollback_rehearsal_fallback_verified", _fault("fallback_verified", False, "must be true")
    took, limit = rehearsal.recovery_minutes, rehearsal.max_recovery_minutes
    if took is None or limit is None or not 0 < took <= limit:
        fault = (
            f"$.recovery_minutes {state(tidy(took))}, $.max_recovery_minutes {state(tidy(limit))};"
            " both are needed, the first must be greater than 0 and not exceed the second"
        )
        yield "go_rollback_rehearsal_recovery", fault
    if not rehearsal.runbook_ref:
        fault = _fault("runbook_ref", "", "name the runbook that was followed")
        yield "go_rollback_rehearsal_evidence", fault
    elif not rehearsal.evidence_refs:
        fault = _fault("evidence_refs", [], "name the evidence that was kept")
        yield "go_rollback_rehearsal_evidence", fault
    if approval_id and rehearsal.plan_approval_id != approval_id:
        demand = f"must be that of the rollback plan, {show(approval_id)}"
        yield (
            "go_rollback_rehearsal_plan",
            _fault("plan_approval_id", rehearsal.plan_approval_id, demand),
        )


def _fault(key: str, value: object, demand: str) -> str:
    return f"$.{key} is {show(value)}; {demand}"
