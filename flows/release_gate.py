"""The flow that pipelines ask before a release: may it pass, and with which backend?"""

import os
from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed
from prefect.utilities.annotations import quote

from flows.failing import refuse, write_line
from flows.results import FinalState
from flows.run_names import rename_run, tags_of
from flows.state_names import BLOCKED, STATE_NAMES
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.documents.utc import in_utc
from rollback_drills.errors import DrillsError
from rollback_drills.gate.current_proof import check_current_proofs
from rollback_drills.gate.decision import explain_block
from rollback_drills.gate.document import Gate
from rollback_drills.gate.events import gate_event
from rollback_drills.gate.requests import GateRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness
from rollback_drills.reports.events.run_events import FLEET
from rollback_drills.reports.pages.artifact_keys import gate_key
from rollback_drills.settings import Settings, read_settings
from tasks.documents import load_documents
from tasks.events import emit
from tasks.gate import decide_gate, load_promotion_documents, publish_gate
from tasks.logs import redacting
from tasks.rules import classify_readiness, derive_due


@flow(
    name="release-gate",
    timeout_seconds=RUN_TIMEOUT_SECONDS,
    persist_result=True,  # for callers of run_deployment
)
@redacting
@taking(
    GateRequest,
    "schedule history mode promotion_evidence rollback_plan rollback_rehearsal changes due_soon_days "
    "max_age_days require_current_proof generated_by as_of",
)
def release_gate(request: GateRequest) -> FinalState:
    """Decide whether a release may pass: is its rollback ready, and which backend is selected?

    Returns:
        Completes as Ready, DueSoon or NotRequested, with the gate document. Fails as Blocked, with an error
        that names the reasons, so that what waits for the run is blocked. The result is persisted.
    """
    try:
        settings = read_settings(os.environ, **dict(request))
        now = in_utc(request.as_of) if request.as_of else datetime.now(UTC)
        return _run(settings, request, now)
    except DrillsError as error:
        return refuse(error)


def _run(settings: Settings, request: GateRequest, now: datetime) -> FinalState:
    generated_by = request.generated_by
    fleet = load_documents(settings)
    promotion = load_promotion_documents(
        settings.promotion_evidence, settings.rollback_plan, settings.rollback_rehearsal
    )
    quoted: Any = quote(
        fleet.subjects
    )  # Prefect looks for futures in every item of a list that is not quoted
    dues = derive_due(quoted, now)
    judged: Any = classify_readiness(quoted, dues, settings.criteria, now, generated_by)
    judgements: list[Judgement] = judged.unwrap()
    name = judgements[0].cycle.schedule_id if fleet.is_single else f"{len(judgements)} schedules"
    proofs = (
        check_current_proofs(fleet.subjects, judgements, settings.changes)
        if request.require_current_proof
        else []
    )
    gate = decide_gate(promotion, judgements, settings.criteria, now, generated_by, proofs, fleet.warnings)
    publish_gate(gate, gate_key(name if fleet.is_single else None))
    rename_run(f"gate of {name}", tags_of(judgements))
    emit([gate_event(gate, name if fleet.is_single else FLEET)])
    return _end(gate)


def _end(gate: Gate) -> FinalState:
    if error := explain_block(gate):
        # Prefect names the event after the name of the state; NeedsAttention is that of a green check.
        return Failed(name=BLOCKED, message=write_line(gate.message), data=error)
    return Completed(name=STATE_NAMES[Readiness(gate.status)], message=write_line(gate.message), data=gate)
