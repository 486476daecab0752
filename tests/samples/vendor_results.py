"""Results in the formats of tools, written after their documentation: its fields, with values of ours."""

from collections.abc import Mapping
from typing import Any

from rollback_drills.recording.results.formats import ResultFormat

GITHUB: Mapping[str, Any] = {
    # https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run
    "id": 30433642,
    "name": "Rollback drill",
    "head_branch": "main",
    "run_number": 562,
    "run_attempt": 2,
    "event": "schedule",
    "status": "completed",
    "conclusion": "success",
    "workflow_id": 159038,
    "created_at": "2026-12-01T08:59:00Z",
    "run_started_at": "2026-12-01T09:00:00Z",
    "updated_at": "2026-12-01T09:12:00Z",
    "actor": {"login": "octo-release", "id": 1},
    "triggering_actor": {"login": "octo-again", "id": 2},
    "html_url": "https://github.com/octo-org/octo-repo/actions/runs/30433642",
}
GITLAB: Mapping[str, Any] = {
    # https://docs.gitlab.com/api/pipelines/#get-a-single-pipeline
    "id": 287,
    "iid": 144,
    "project_id": 21,
    "status": "success",
    "source": "schedule",
    "ref": "main",
    "sha": "50f0acb76a40e34a4ff304f7347dcc6587da8a14",
    "created_at": "2026-12-01T09:00:00.123Z",
    "started_at": "2026-12-01T10:00:05.123+01:00",
    "finished_at": "2026-12-01T09:12:05.123Z",
    "duration": 720,
    "user": {"id": 1, "username": "root", "state": "active"},
    "web_url": "https://gitlab.example.com/gitlab-org/gitlab-foss/-/pipelines/287",
}
VELERO: Mapping[str, Any] = {
    # https://velero.io/docs/main/api-types/restore/
    "apiVersion": "velero.io/v1",
    "kind": "Restore",
    "metadata": {"name": "payments-20261201", "namespace": "velero"},
    "spec": {"backupName": "payments-daily", "includedNamespaces": ["payments"]},
    "status": {
        "phase": "Completed",
        "startTimestamp": "2026-12-01T09:00:00Z",
        "completionTimestamp": "2026-12-01T09:07:30Z",
        "warnings": 2,
        "errors": 0,
    },
}
FIS: Mapping[str, Any] = {
    # https://docs.aws.amazon.com/fis/latest/APIReference/API_GetExperiment.html
    "experiment": {
        "id": "EXP8kZxQ2vYb4TnW6c",
        "experimentTemplateId": "EXT7HaVbTdC8qXQ8F",
        "roleArn": "arn:aws:iam::111122223333:role/fis",
        "state": {"status": "completed", "reason": "Experiment completed."},
        "creationTime": 1796115590.5,
        "startTime": 1796115600.0,
        "endTime": 1796116320.0,
        "actions": {},
        "targets": {},
    }
}
ASR: Mapping[str, Any] = {
    # https://learn.microsoft.com/en-us/rest/api/site-recovery/replication-jobs/get
    "id": "/Subscriptions/x/resourceGroups/y/providers/Microsoft.RecoveryServices/vaults/v/replicationJobs/z",
    "name": "58776d0b-3141-48b2-a377-9ad863eb160d",
    "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
    "properties": {
        "scenarioName": "TestFailover",
        "friendlyName": "Test failover",
        "state": "Succeeded",
        "stateDescription": "Completed",
        "tasks": [],
        "errors": [],
        "startTime": "2026-12-01T09:00:00.1234567Z",
        "endTime": "2026-12-01T09:09:00.1234567Z",
    },
}
RESULTS: Mapping[ResultFormat, Mapping[str, Any]] = {
    ResultFormat.GITHUB_WORKFLOW_RUN: GITHUB,
    ResultFormat.GITLAB_PIPELINE: GITLAB,
    ResultFormat.VELERO_RESTORE: VELERO,
    ResultFormat.AWS_FIS_EXPERIMENT: FIS,
    ResultFormat.AZURE_ASR_JOB: ASR,
}
