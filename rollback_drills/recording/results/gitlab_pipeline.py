"""A pipeline of GitLab CI, as the REST API returns a single one.

https://docs.gitlab.com/api/pipelines/#get-a-single-pipeline
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

_OUTCOMES: Final = {"success": Outcome.PASSED, "failed": Outcome.FAILED}


class _User(msgspec.Struct, frozen=True):
    username: str


class _Pipeline(msgspec.Struct, frozen=True):
    id: int
    project_id: int
    status: str
    started_at: str | None
    user: _User | None = None


def read_pipeline(data: bytes) -> VendorResult:
    """Read a pipeline that has ended. How long it took says nothing about the recovery.

    Raises:
        UnusableResultError: It is no pipeline.
    """
    pipeline = decode(_Pipeline, data)
    outcome, problem = find_outcome("$.status", pipeline.status, _OUTCOMES)
    return VendorResult(
        drill_id=f"gitlab-pipeline-{pipeline.id}",
        executed_at=write_time(read_time("$.started_at", pipeline.started_at)),
        status=outcome,
        status_problem=problem,
        evidence_ref=f"gitlab-pipeline://{pipeline.project_id}/{pipeline.id}",
        actor=pipeline.user.username if pipeline.user else "",
    )
