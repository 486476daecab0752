"""Evaluates the gate in one call, where nobody looks at the steps: reads the documents, and judges them."""

from datetime import datetime

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.promotion import load_promotion
from rollback_drills.gate.current_proof import check_current_proofs
from rollback_drills.gate.decision import decide_gate
from rollback_drills.gate.document import Gate
from rollback_drills.gate.promotion import report_promotion
from rollback_drills.readiness.judgement import judge_all
from rollback_drills.settings import Settings


def evaluate_gate(
    settings: Settings, *, now: datetime, generated_by: str, require_current_proof: bool
) -> Gate:
    """Read what the settings name, and decide the gate.

    Raises:
        UsageError: Nothing is found where schedules are looked for, or it is not clear what belongs together,
            or a current proof is required and nobody knows what was promoted.
    """
    criteria = settings.criteria
    fleet = load_fleet(settings.schedule, settings.history, settings.changes)
    documents = load_promotion(
        settings.promotion_evidence, settings.rollback_plan, settings.rollback_rehearsal
    )
    judgements = judge_all(fleet.subjects, criteria, now=now, generated_by=generated_by)
    promotion = report_promotion(documents, criteria, now=now, generated_by=generated_by)
    proofs = (
        check_current_proofs(fleet.subjects, judgements, settings.changes) if require_current_proof else []
    )
    return decide_gate(promotion, judgements, proofs, fleet.warnings)
