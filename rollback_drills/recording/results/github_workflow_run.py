"""A run of a GitHub Actions workflow, as the REST API returns it.

https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run
"""

from typing import Final

import msgspec

from rollback_drills.recording.results.vendor_result import (
    Outcome,
    VendorResult,
    decode,
    find_outcome,
    read_time,
    write_time,
)

_OUTCOMES: Final = {
    "success": Outcome.PASSED,
    "failure": Outcome.FAILED,
    "timed_out": Outcome.FAILED,
    "startup_failure": Outcome.FAILED,
}


class _User(msgspec.Struct, frozen=True):
    login: str


class _WorkflowRun(msgspec.Struct, frozen=True):
    id: int
    status: str | None
    conclusion: str | None
    run_started_at: str
    run_attempt: int = 1
    actor: _User | None = None
    triggering_actor: _User | None = None


def read_workflow_run(data: bytes) -> VendorResult:
    """Read a run that has ended. How long it took says nothing about the recovery.

    Raises:
        UnusableResultError: It is no workflow run.
    """
    run = decode(_WorkflowRun, data)
    ended = run.status == "completed"
    path, word = ("$.conclusion", run.conclusion) if ended else ("$.status", run.status)
    outcome, problem = find_outcome(path, word or "", _OUTCOMES if ended else {})
    who = run.triggering_actor or run.actor
    return VendorResult(
        drill_id=f"github-run-{run.id}-{run.run_attempt}",
        executed_at=write_time(read_time("$.run_started_at", run.run_started_at)),
        status=outcome,
        status_problem=problem,
        evidence_ref=f"github-workflow-run://{run.id}/{run.run_attempt}",
        actor=who.login if who else "",
    )
