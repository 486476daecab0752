"""An experiment of AWS Fault Injection Service, as GetExperiment and `aws fis get-experiment` return it.

https://docs.aws.amazon.com/fis/latest/APIReference/API_GetExperiment.html
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

_OUTCOMES: Final = {"completed": Outcome.PASSED, "failed": Outcome.FAILED, "stopped": Outcome.FAILED}
"""An experiment that was stopped did not show what it was meant to show."""


class _State(msgspec.Struct, frozen=True):
    status: str


class _Experiment(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    state: _State
    start_time: float | str | None = None
    """Seconds since 1970 by the API; a text of ISO 8601 by the command line."""


class _Answer(msgspec.Struct, frozen=True):
    experiment: _Experiment


def read_experiment(data: bytes) -> VendorResult:
    """Read an experiment that has ended. How long it took says nothing about the recovery.

    Raises:
        UnusableResultError: It is no experiment.
    """
    experiment = decode(_Answer, data).experiment
    outcome, problem = find_outcome("$.experiment.state.status", experiment.state.status, _OUTCOMES)
    return VendorResult(
        drill_id=f"aws-fis-{experiment.id}",
        executed_at=write_time(read_time("$.experiment.startTime", experiment.start_time)),
        status=outcome,
        status_problem=problem,
        evidence_ref=f"aws-fis-experiment://{experiment.id}",
    )
