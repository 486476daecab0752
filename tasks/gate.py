"""The steps of the gate, and the one task that other flows ask."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.documents.promotion import PromotionDocuments, load_promotion
from rollback_drills.documents.utc import in_utc
from rollback_drills.gate import decision
from rollback_drills.gate.document import Gate, GateCheck
from rollback_drills.gate.evaluation import evaluate_gate
from rollback_drills.gate.page import render_gate
from rollback_drills.gate.promotion import report_promotion
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.settings import read_settings
from tasks.logs import redacting


@task(task_run_name="load-promotion", cache_policy=NO_CACHE, persist_result=False)
def load_promotion_documents(
    evidence_path: str | None, plan_path: str | None, rehearsal_path: str | None
) -> PromotionDocuments:
    """Load promotion evidence, rollback plan and rehearsal."""
    return load_promotion(evidence_path, plan_path, rehearsal_path)


@task(task_run_name="decide-gate", cache_policy=NO_CACHE, persist_result=False)
def decide_gate(
    documents: PromotionDocuments,
    judgements: Sequence[Judgement],
    criteria: Criteria,
    now: datetime,
    generated_by: str,
    proofs: Sequence[GateCheck],
    warnings: Sequence[str],
) -> Gate:
    """Judge the promotion, and decide whether the release may pass."""
    promotion = report_promotion(documents, criteria, now=now, generated_by=generated_by)
    gate = decision.decide_gate(promotion, judgements, proofs, warnings)
    get_run_logger().info("%s", gate.message)
    return gate


@task(task_run_name="publish-gate", cache_policy=NO_CACHE, persist_result=False)
@redacting
def publish_gate(gate: Gate, key: str) -> None:
    """Publish the page of the gate, redacted."""
    clean = redactor_in_use().text
    create_markdown_artifact(clean(render_gate(gate)), key=key, description="Whether the release may pass.")


@task(task_run_name="require-rollback-ready", cache_policy=NO_CACHE)
@redacting
def require_rollback_ready(
    schedule: str | None = None,
    history: str | None = None,
    mode: str | None = None,
    promotion_evidence: str | None = None,
    rollback_plan: str | None = None,
    rollback_rehearsal: str | None = None,
    changes: str | None = None,
    due_soon_days: float | None = None,
    max_age_days: float | None = None,
    require_current_proof: bool = False,
    generated_by: str = "require-rollback-ready",
    as_of: datetime | None = None,
) -> PlainJson:
    """Return the gate document of a release that may pass; for the flows of others, before they release.

    What is left out comes from the environment of the worker, as for the flow `release-gate`.

    Raises:
        RollbackNotReadyError: A check needs attention; `reasons` names each.
        UsageError: What is given is unusable.
    """
    settings = read_settings(
        os.environ,
        mode=mode,
        promotion_evidence=promotion_evidence,
        rollback_plan=rollback_plan,
        rollback_rehearsal=rollback_rehearsal,
        history=history,
        schedule=schedule,
        changes=changes,
        due_soon_days=due_soon_days,
        max_age_days=max_age_days,
    )
    now = in_utc(as_of) if as_of else datetime.now(UTC)
    gate = evaluate_gate(
        settings, now=now, generated_by=generated_by, require_current_proof=require_current_proof
    )
    if error := decision.explain_block(gate):
        raise error
    return to_plain(gate)
