"""The recurring flow: check the drills, tell who must know, keep the evidence."""

from datetime import datetime
from typing import Any

from prefect import State, flow

from flows.parameters import ModeName, Retries, SomeDays, TimeoutSeconds
from flows.predecessors import mark_killed_predecessors
from flows.process import RunRequest, run_process


@flow(name="drill-check")
def drill_check(
    schedule: str | None = None,
    history: str | None = None,
    mode: ModeName | None = None,
    due_soon_days: SomeDays | None = None,
    max_age_days: SomeDays | None = None,
    routing_policy: dict[str, Any] | str | None = None,
    provider: str = "all",
    retries: Retries = 2,
    timeout_seconds: TimeoutSeconds = 15.0,
    generated_by: str = "drill-check",
    dry_run: bool = False,
    as_of: datetime | None = None,
) -> State[dict[str, Any]]:
    """Check whether rollback drills are ready, due soon or overdue, and tell the owners who must know.

    Args:
        schedule: Path of the schedule: a file, folder, glob or .jsonl file. Empty: the worker's
            CAVRA_GO_ROLLBACK_DRILL_SCHEDULE.
        history: Path of the drill history. Empty: the worker's CAVRA_GO_ROLLBACK_DRILL_HISTORY.
        mode: How far the backend is promoted. Empty: the worker's CAVRA_GO_BACKEND_MODE, else disabled.
        due_soon_days: Days before the due instant from which a drill is due soon. Empty: from the
            environment, else 14.
        max_age_days: Age in days up to which the latest drill is fresh. Empty: from the environment,
            else 90.
        routing_policy: A routing policy that adds to the schedule's: the document, or its path.
        provider: Providers to tell: all, or a list separated by commas.
        retries: Attempts after the first, for what can succeed when repeated.
        timeout_seconds: Deadline of one attempt in seconds.
        generated_by: Who asks, for the evidence.
        dry_run: Send nothing, and write nothing but the artifact.
        as_of: Judge as of this instant. Empty: now.

    Returns:
        Ends as Ready, DueSoon, NeedsAttention or NotRequested; as Failed if a notification was not delivered,
        in this run or an earlier one, or if no schedule is configured. The data is that of
        `deliver_notifications`.
    """
    state = run_process(
        RunRequest(
            schedule=schedule,
            history=history,
            mode=mode,
            due_soon_days=due_soon_days,
            max_age_days=max_age_days,
            routing_policy=routing_policy,
            provider=provider,
            force=False,
            retries=retries,
            timeout_seconds=timeout_seconds,
            generated_by=generated_by,
            dry_run=dry_run,
            as_of=as_of,
        )
    )
    mark_killed_predecessors()
    return state
