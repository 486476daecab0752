"""A job of Azure Site Recovery, as the REST API returns it.

https://learn.microsoft.com/en-us/rest/api/site-recovery/replication-jobs/get
"""

from typing import Final

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

_OUTCOMES: Final = {"Succeeded": Outcome.PASSED, "Failed": Outcome.FAILED}


class _Properties(msgspec.Struct, frozen=True, rename="camel"):
    scenario_name: str
    state: str
    start_time: str | None = None
    end_time: str | None = None


class _Job(msgspec.Struct, frozen=True):
    name: str
    properties: _Properties


def read_job(data: bytes) -> VendorResult:
    """Read a job that has ended. Of a failover, test or not, its length is the recovery time.

    Raises:
        UnusableResultError: It is no job.
    """
    job = decode(_Job, data)
    properties = job.properties
    start = read_time("$.properties.startTime", properties.start_time)
    end = read_time("$.properties.endTime", properties.end_time)
    outcome, problem = find_outcome("$.properties.state", properties.state, _OUTCOMES)
    is_failover = properties.scenario_name.endswith("Failover")
    return VendorResult(
        drill_id=f"azure-asr-{job.name}",
        executed_at=write_time(start),
        status=outcome,
        status_problem=problem,
        evidence_ref=f"azure-asr-job://{job.name}",
        recovery_minutes=find_minutes(start, end) if is_failover else None,
    )
