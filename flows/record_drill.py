"""The flow that records a performed drill, and tells the owners that its cycle is over."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from prefect import State, flow
from prefect.states import Completed, Failed

from flows.failing import refuse
from flows.process import run_process
from flows.run_request import RunRequest
from rollback_drills.documents.fields import in_utc
from rollback_drills.errors import DrillsError
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.planning.requests import ModeName, Retries, SomeDays, TimeoutSeconds
from rollback_drills.recording.performing import Recorded, write_report
from rollback_drills.recording.target import find_target
from rollback_drills.settings import default_database_url, read_settings
from tasks.evidence import index_evidence, read_clock
from tasks.logs import redacting
from tasks.recording import write_drill_down


@flow(name="record-drill")
def record_drill(
    status: Literal["pass", "fail"],
    fallback_verified: bool = False,
    recovery_minutes: float | None = None,
    max_recovery_minutes: float | None = None,
    evidence_refs: list[str] | None = None,
    executed_at: datetime | None = None,
    actor: str = "",
    source_mode: str = "",
    target_mode: str = "disabled",
    runbook_ref: str = "",
    drill_id: str = "",
    further: dict[str, Any] | None = None,
    schedule: str | None = None,
    history: str | None = None,
    schedule_id: str | None = None,
    create: bool = False,
    advance: bool = False,
    mode: ModeName | None = None,
    due_soon_days: SomeDays | None = None,
    max_age_days: SomeDays | None = None,
    provider: str = "all",
    retries: Retries = 2,
    timeout_seconds: TimeoutSeconds = 15.0,
    generated_by: str = "record-drill",
    as_of: datetime | None = None,
) -> State[dict[str, Any]]:
    """Record a drill that was performed, and tell the owners what came of it.

    Args:
        status: How the drill ended.
        fallback_verified: Whether the fallback was seen to work.
        recovery_minutes: How long the rollback took.
        max_recovery_minutes: How long it was allowed to.
        evidence_refs: What was kept of it.
        executed_at: When it was performed. Empty: now.
        actor: Who performed it.
        source_mode: The mode before the rollback.
        target_mode: The mode after it.
        runbook_ref: The runbook that was followed. Empty: that of the schedule.
        drill_id: Its id. Empty: made of schedule, day and content.
        further: Other fields of a drill as the history document has them, such as participants and findings.
        schedule: Path of the schedule: a file, folder, glob or .jsonl file. Empty: the worker's
            CAVRA_GO_ROLLBACK_DRILL_SCHEDULE.
        history: Path of the drill history. Empty: the worker's CAVRA_GO_ROLLBACK_DRILL_HISTORY.
        schedule_id: Which of several schedules. Empty: there is only one.
        create: Make the history if there is none.
        advance: Move next_due_at by the interval if the drill is accepted, where due_policy is explicit.
        mode: How far the backend is promoted. Empty: the worker's CAVRA_GO_BACKEND_MODE, else disabled.
        due_soon_days: Days before the due instant from which a drill is due soon. Empty: from the
            environment, else 14.
        max_age_days: Age in days up to which the latest drill is fresh. Empty: from the environment,
            else 90.
        provider: Providers to tell: all, or a list separated by commas.
        retries: Attempts after the first, for what can succeed when repeated.
        timeout_seconds: Deadline of one attempt in seconds.
        generated_by: Who records, for the evidence.
        as_of: Record as of this instant. Empty: now.

    Returns:
        Ends as `drill_check` does for this schedule, but as NotAccepted if the drill is recorded and not
        accepted; as Failed if nothing was written, or a notification was not taken. The data is that of
        `drill_check`, with what came of the drill as `record`.
    """
    now = in_utc(as_of) if as_of else datetime.now(UTC)
    fields = {
        "drill_id": drill_id,
        "executed_at": executed_at and executed_at.isoformat(),
        "actor": actor,
        "source_mode": source_mode,
        "target_mode": target_mode,
        "status": status,
        "fallback_verified": fallback_verified,
        "recovery_minutes": recovery_minutes,
        "max_recovery_minutes": max_recovery_minutes,
        "runbook_ref": runbook_ref,
        "evidence_refs": evidence_refs,
    }
    told = RunRequest(
        schedule=schedule,
        history=history,
        mode=mode,
        due_soon_days=due_soon_days,
        max_age_days=max_age_days,
        routing_policy=None,
        provider=provider,
        force=False,
        retries=retries,
        timeout_seconds=timeout_seconds,
        generated_by=generated_by,
        dry_run=False,
        as_of=now,
    )
    return _record_and_tell(_Performed(fields, further, schedule_id, create, advance, now), told)


@dataclass(frozen=True, slots=True)
class _Performed:
    """What is to be recorded."""

    fields: Mapping[str, Any]
    further: Mapping[str, Any] | None
    schedule_id: str | None
    create: bool
    advance: bool
    now: datetime


@redacting
def _record_and_tell(performed: _Performed, told: RunRequest) -> State[dict[str, Any]]:
    """Record the drill, then run the process for its schedule.

    What is wrong with the drill ends the run before anything is written.
    """
    try:
        settings = read_settings(
            os.environ,
            mode=told.mode,
            history=told.history,
            schedule=told.schedule,
            due_soon_days=told.due_soon_days,
            max_age_days=told.max_age_days,
        )
        target = find_target(settings.schedule, settings.history, performed.schedule_id)
        recorded = write_drill_down(
            target,
            performed.fields,
            performed.further,
            settings.criteria,
            performed.now,
            create=performed.create,
            advance=performed.advance,
        )
    except DrillsError as error:
        return refuse(error)
    try:
        url = settings.database_url or default_database_url()
        created_at = read_clock(url)  # the clock of the evidence is the real one
        once = recorded.find_evidence(created_at=created_at, signer=told.generated_by)
        index_evidence((), once, created_at, told.generated_by, url)
    except DrillsError as error:
        return Failed(message=f"{_describe(recorded)}; it is not yet in the evidence: {error}")
    schedule, history = target.run_paths
    return _end(recorded, run_process(replace(told, schedule=schedule, history=history)))


def _describe(recorded: Recorded) -> str:
    """Say for the list of runs what came of the drill."""
    if not recorded.problems:
        return f"{recorded.drill.drill_id} is recorded and accepted"
    retest = recorded.find_retest()
    again = f"; to be performed again by {retest['retest_due_at']}" if retest else ""
    return f"{recorded.drill.drill_id} is recorded and not accepted: {'; '.join(recorded.problems)}{again}"


def _end(recorded: Recorded, state: State[Any]) -> State[dict[str, Any]]:
    """End as the process did, with what came of the drill."""
    message = f"{_describe(recorded)}; {state.message}"
    report = {"record": write_report(recorded)}
    if isinstance(state.data, DeliveryFailedError):
        return Failed(message=message, data=DeliveryFailedError(message, {**state.data.result, **report}))
    if not isinstance(state.data, dict):
        return Failed(message=message)
    name = "NotAccepted" if recorded.problems else state.name
    return Completed(name=name, message=message, data={**state.data, **report})
