"""The formats of results by their names, and a result with what the caller says besides."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from rollback_drills.documents.plain_json import keep_given
from rollback_drills.errors import Field, UsageError
from rollback_drills.recording.results.aws_fis_experiment import read_experiment
from rollback_drills.recording.results.azure_asr_job import read_job
from rollback_drills.recording.results.github_workflow_run import read_workflow_run
from rollback_drills.recording.results.gitlab_pipeline import read_pipeline
from rollback_drills.recording.results.velero_restore import read_restore
from rollback_drills.recording.results.vendor_result import UnusableResultError, VendorResult


class ResultFormat(StrEnum):
    """What a file with the result of a drill was written by."""

    GITHUB_WORKFLOW_RUN = "github-workflow-run"
    GITLAB_PIPELINE = "gitlab-pipeline"
    VELERO_RESTORE = "velero-restore"
    AWS_FIS_EXPERIMENT = "aws-fis-experiment"
    AZURE_ASR_JOB = "azure-asr-job"


READERS: Final[Mapping[ResultFormat, Callable[[bytes], VendorResult]]] = {
    ResultFormat.GITHUB_WORKFLOW_RUN: read_workflow_run,
    ResultFormat.GITLAB_PIPELINE: read_pipeline,
    ResultFormat.VELERO_RESTORE: read_restore,
    ResultFormat.AWS_FIS_EXPERIMENT: read_experiment,
    ResultFormat.AZURE_ASR_JOB: read_job,
}


def read_result(
    data: bytes, wanted: ResultFormat, place: str, given: Mapping[str, object]
) -> dict[str, object]:
    """Return the fields of a drill: what a result says, and what the caller says, which wins.

    Args:
        data: The JSON of the result.
        wanted: What it was written by.
        place: Where it comes from, for messages.
        given: The fields that the caller gives; None and empty ones are not given.

    Raises:
        UsageError: It is not of this format, or lacks an outcome or a time that the caller does not give.
    """
    try:
        result = READERS[wanted](data)
    except UnusableResultError as error:
        raise UsageError(f"{place}: {error}; is it a {wanted}?") from None
    fields = keep_given(result.to_fields()) | keep_given(given)
    if "status" not in fields:
        raise UsageError(
            f"{place}: {result.status_problem}; record it when it has ended, or say it with ", Field("status")
        )
    if "executed_at" not in fields:
        raise UsageError(f"{place}: it does not say when it began; say it with ", Field("executed_at"))
    return fields
