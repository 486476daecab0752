"""The flow that records a performed drill, and notifies the owners that its cycle is over."""

import os
from datetime import UTC, datetime
from typing import Any

import msgspec
from prefect import State, flow
from prefect.states import Completed, Failed

from flows.check.starting import run_on_demand
from flows.failing import refuse
from flows.results import FinalState, RunResult, fail_delivery
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.documents.utc import in_utc
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.planning.request_fields import taking
from rollback_drills.planning.requests import DeliverRequest
from rollback_drills.readiness.acceptance import explain_future
from rollback_drills.recording.recorder import Recorded
from rollback_drills.recording.report import RecordReport, write_report
from rollback_drills.recording.requests import RecordRequest
from rollback_drills.recording.target import find_target
from rollback_drills.settings import read_settings
from tasks.evidence import index_evidence, read_clock
from tasks.logs import redacting
from tasks.recording import write_drill_down


@flow(name="record-drill", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(
    RecordRequest,
    "status fallback_verified recovery_minutes max_recovery_minutes evidence_refs executed_at actor "
    "source_mode target_mode runbook_ref drill_id further schedule history schedule_id create advance "
    "mode changes due_soon_days max_age_days provider retries timeout_seconds generated_by as_of",
)
def record_drill(request: RecordRequest) -> FinalState:
    """Record a drill that was performed, and notify the owners of what changed.

    A drill that is recorded already, with the same id and the same facts, is not written twice.

    Returns:
        Ends as `drill_check` does for this schedule, but as NotAccepted if the drill is recorded and not
        accepted; as Failed if nothing was written, or a notification was not taken. The data is that of
        `drill_check`, with what came of the drill as `record`.
    """
    try:
        now = _find_time(request)
        settings = read_settings(os.environ, **dict(request))
        target = find_target(settings.schedule, settings.history, request.schedule_id, settings.changes)
        recorded = write_drill_down(
            target,
            request.drill_fields,
            request.further,
            settings.criteria,
            now,
            create=request.create,
            advance=request.advance,
        )
    except DrillsError as error:
        return refuse(error)
    try:
        url = settings.evidence_url
        created_at = read_clock(url)  # the clock of the evidence is the real one
        once = recorded.find_evidence(created_at=created_at, signer=request.generated_by)
        index_evidence((), once, created_at, request.generated_by, url)
    except DrillsError as error:
        return Failed(message=f"{_describe(recorded)}; it is not yet in the evidence: {error}")
    schedule, history = recorded.target.run_paths
    asked = DeliverRequest.of(request, schedule=schedule, history=history, as_of=now)
    return _end(recorded, run_on_demand(asked))


def _find_time(request: RecordRequest) -> datetime:
    """Return when the drill is recorded: now, or earlier, if it is entered later."""
    now = datetime.now(UTC)
    if request.as_of is None:
        return now
    if problem := explain_future(in_utc(request.as_of), now=now):
        raise UsageError(problem, field="as_of")
    return in_utc(request.as_of)


def _describe(recorded: Recorded) -> str:
    """Describe what came of the drill, for the list of runs."""
    was = "is recorded" if recorded.is_new else "was recorded before"
    if not recorded.problems:
        return f"{recorded.drill.drill_id} {was} and accepted"
    retest = recorded.find_retest()
    again = f"; to be performed again by {retest.retest_due_at}" if retest else ""
    return f"{recorded.drill.drill_id} {was} and not accepted: {'; '.join(recorded.problems)}{again}"


def _end(recorded: Recorded, state: State[Any]) -> FinalState:
    """End as the process did, with what came of the drill."""
    message = f"{_describe(recorded)}; {state.message}"
    report, result = write_report(recorded), state.data
    if isinstance(result, DeliveryFailedError):
        return fail_delivery(message, _add(report, result.result))
    if not isinstance(result, RunResult):
        return Failed(message=message)
    name = "NotAccepted" if recorded.problems else state.name
    return Completed(name=name, message=message, data=_add(report, result))


def _add(report: RecordReport, result: RunResult) -> RunResult:
    return msgspec.structs.replace(result, record=report)
