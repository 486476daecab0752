"""Finds what is wrong with the documents that promote a backend."""

from collections.abc import Iterator
from typing import Final

from rollback_drills.documents.fields import tidy
from rollback_drills.documents.promotion import (
    PROMOTION_SCHEMA,
    REHEARSAL_SCHEMA,
    ROLLBACK_PLAN_SCHEMA,
    PromotionDocument,
    PromotionEvidence,
    RollbackPlan,
    RollbackRehearsal,
)
from rollback_drills.documents.quotation import is_written, show, state

_CONTROLS: Final = (
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

Fault = tuple[str, str]
"""The id of a check that a document misses, and place, value and demand."""


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
        return ROLLBACK_PLAN_SCHEMA, find_in_plan(document)
    if isinstance(document, RollbackRehearsal):
        return REHEARSAL_SCHEMA, find_in_rehearsal(document, approval_id="")
    assert isinstance(document, PromotionEvidence)  # noqa: S101 - there are three kinds
    return PROMOTION_SCHEMA, find_in_evidence(document)


def _is_fact(check_id: str, document: PromotionDocument) -> bool:
    """Whether a fault is how things are: not approved yet, or failed and said so."""
    outcome = getattr(document, _OUTCOMES.get(check_id, ""), "")
    return check_id in _APPROVALS or outcome == "fail"


def find_in_evidence(evidence: PromotionEvidence) -> Iterator[Fault]:
    """Yield what keeps promotion evidence from being valid, the most basic first."""
    if evidence.parity_status != "pass":
        yield "go_promotion_parity", _fault("parity_status", evidence.parity_status, 'must be "pass"')
    if evidence.deployment_status != "ready":
        yield (
            "go_promotion_deployment",
            _fault("deployment_status", evidence.deployment_status, 'must be "ready"'),
        )
    if not evidence.approved:
        yield "go_promotion_approved", _fault("approved", False, "have the promotion approved")


def find_in_plan(plan: RollbackPlan) -> Iterator[Fault]:
    """Yield what keeps a rollback plan from being valid, the most basic first."""
    if plan.status != "ready":
        yield "go_rollback_plan_ready", _fault("status", plan.status, 'must be "ready"')
    if plan.target_mode != "disabled":
        fault = _fault("target_mode", plan.target_mode, 'must be "disabled"')
        yield "go_rollback_plan_disabled_target", fault
    if not plan.approved:
        yield "go_rollback_plan_approved", _fault("approved", False, "have the plan approved")
    if missing := [control for control in _CONTROLS if control not in plan.controls]:
        fault = f"$.controls lacks {', '.join(missing)}; put it in place, and name it"
        yield "go_rollback_plan_controls", fault
    if not is_written(*plan.rollback_steps):
        fault = _fault("rollback_steps", plan.rollback_steps, "write down at least one step")
        yield "go_rollback_plan_steps", fault
    if not is_written(*plan.evidence_refs):
        fault = _fault("evidence_refs", plan.evidence_refs, "name the evidence that was kept")
        yield "go_rollback_plan_evidence", fault


def find_in_rehearsal(rehearsal: RollbackRehearsal, approval_id: str) -> Iterator[Fault]:
    """Yield what keeps a rehearsal from being valid, the most basic first.

    Args:
        rehearsal: The rehearsal.
        approval_id: That of the rollback plan; empty if there is none to compare with.
    """
    if rehearsal.status != "pass":
        yield "go_rollback_rehearsal_passed", _fault("status", rehearsal.status, 'must be "pass"')
    if not rehearsal.simulated:
        yield "go_rollback_rehearsal_simulated", _fault("simulated", rehearsal.simulated, "must be true")
    if not rehearsal.fallback_verified:
        fault = _fault("fallback_verified", rehearsal.fallback_verified, "must be true")
        yield "go_rollback_rehearsal_fallback_verified", fault
    took, limit = rehearsal.recovery_minutes, rehearsal.max_recovery_minutes
    if took is None or limit is None or not 0 < took <= limit:
        fault = (
            f"$.recovery_minutes {state(tidy(took))}, $.max_recovery_minutes {state(tidy(limit))};"
            " both are needed, the first must be greater than 0 and not exceed the second"
        )
        yield "go_rollback_rehearsal_recovery", fault
    if not is_written(rehearsal.runbook_ref):
        fault = _fault("runbook_ref", rehearsal.runbook_ref, "name the runbook that was followed")
        yield "go_rollback_rehearsal_evidence", fault
    elif not is_written(*rehearsal.evidence_refs):
        fault = _fault("evidence_refs", rehearsal.evidence_refs, "name the evidence that was kept")
        yield "go_rollback_rehearsal_evidence", fault
    if approval_id and rehearsal.plan_approval_id != approval_id:
        demand = f"must be that of the rollback plan, {show(approval_id)}"
        yield (
            "go_rollback_rehearsal_plan",
            _fault("plan_approval_id", rehearsal.plan_approval_id, demand),
        )


def _fault(key: str, value: object, demand: str) -> str:
    return f"$.{key} {state(value)}; {demand}"
