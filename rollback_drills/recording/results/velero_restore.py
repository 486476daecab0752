"""A Restore of Velero, as `kubectl get restore NAME -o json` prints it.

https://velero.io/docs/main/api-types/restore/
"""

from typing import Final, Literal

import msgspec

from rollback_drills.recording.results.vendor_result import (
    Outcome,
    VendorResult,
    decode,
    find_minutes,
    find_outcome,
    read_time,
    write_time,
)

_OUTCOMES: Final = {
    "Completed": Outcome.PASSED,
    "PartiallyFailed": Outcome.FAILED,
    "Failed": Outcome.FAILED,
    "FailedValidation": Outcome.FAILED,
}


class _Metadata(msgspec.Struct, frozen=True):
    name: str
    namespace: str


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    phase: str
    start_timestamp: str | None = None
    completion_timestamp: str | None = None


class _Restore(msgspec.Struct, frozen=True):
    kind: Literal["Restore"]
    metadata: _Metadata
    status: _Status


def read_restore(data: bytes) -> VendorResult:
    """Read a restore that has ended. The time from its start to its completion is the recovery time.

    Raises:
        UnusableResultError: It is no restore.
    """
    restore = decode(_Restore, data)
    name, status = restore.metadata, restore.status
    start = read_time("$.status.startTimestamp", status.start_timestamp)
    end = read_time("$.status.completionTimestamp", status.completion_timestamp)
    outcome, problem = find_outcome("$.status.phase", status.phase, _OUTCOMES)
    return VendorResult(
        drill_id=f"velero-restore-{name.namespace}-{name.name}",
        executed_at=write_time(start),
        status=outcome,
        status_problem=problem,
        evidence_ref=f"velero-restore://{name.namespace}/{name.name}",
        recovery_minutes=find_minutes(start, end),
    )
