"""The on-demand flow: tell the owners now, with the parameters of contract §7."""

from datetime import datetime
from typing import Any

from prefect import State, flow

from flows.parameters import ModeName, Retries, SomeDays, TimeoutSeconds
from flows.process import RunRequest, run_process


@flow(name="deliver-notifications")
def deliver_notifications(
    provider: str = "all",
    retries: Retries = 2,
    timeout_seconds: TimeoutSeconds = 15.0,
    generated_by: str = "deliver-notifications",
    force: bool = False,
    routing_policy: dict[str, Any] | str | None = None,
    schedule: str | None = None,
    history: str | None = None,
    mode: ModeName | None = None,
    due_soon_days: SomeDays | None = None,
    max_age_days: SomeDays | None = None,
    dry_run: bool = False,
    as_of: datetime | None = None,
) -> State[dict[str, Any]]:
    """Plan and deliver the notifications of rollback drills on demand.

    Args:
        provider: Providers to tell: all, or a list separated by commas.
        retries: Attempts after the first, for what can succeed when repeated.
        timeout_seconds: Deadline of one attempt in seconds.
        generated_by: Who asks, for the evidence.
        force: Tell even if the schedule is healthy or was told recently; never in a window or absence.
        routing_policy: A routing policy that adds to the schedule's: the document, or its path.
        schedule: Path of the schedule: a file, folder, glob or .jsonl file. Empty: the worker's
            CAVRA_GO_ROLLBACK_DRILL_SCHEDULE.
        history: Path of the drill history. Empty: the worker's CAVRA_GO_ROLLBACK_DRILL_HISTORY.
        mode: How far the backend is promoted. Empty: the worker's CAVRA_GO_BACKEND_MODE, else disabled.
        due_soon_days: Days before the due instant from which a drill is due soon. Empty: from the
            environment, else 14.
        max_age_days: Age in days up to which the latest drill is fresh. Empty: from the environment,
            else 90.
        dry_run: Send nothing, and write nothing but the artifact.
        as_of: Judge as of this instant. Empty: now.

    Returns:
        Ends as `drill_check` does. The data is `{schedule, plan, delivery, plan_metadata, metadata, success,
        event_id}` (contract §7), or `{runs: [...]}` of these for several schedules.
    """
    return run_process(
        RunRequest(
            schedule=schedule,
            history=history,
            mode=mode,
            due_soon_days=due_soon_days,
            max_age_days=max_age_days,
            routing_policy=routing_policy,
            provider=provider,
            force=force,
            retries=retries,
            timeout_seconds=timeout_seconds,
            generated_by=generated_by,
            dry_run=dry_run,
            as_of=as_of,
        )
    )
