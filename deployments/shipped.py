"""The deployments that ship: prefect.yaml as Prefect has it, for a work pool or for a serving process."""

from pkgutil import resolve_name
from typing import Any

import yaml
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.schedules import Schedule
from prefect.types.entrypoint import EntrypointType

from deployments.templates import DEPLOYMENTS


def read_deployments(work_pool: str | None = None) -> list[RunnerDeployment]:
    """Return the deployments of prefect.yaml.

    Their entrypoints are modules: a worker imports them from where it is installed, in any working directory.

    Args:
        work_pool: Whose workers execute them, in place of the one in the file; None if this process does.
    """
    return [_build(each, work_pool) for each in yaml.safe_load(DEPLOYMENTS.path.read_text())["deployments"]]


def _build(written: dict[str, Any], work_pool: str | None) -> RunnerDeployment:
    limit = written.get("concurrency_limit")
    pool = written["work_pool"]
    return RunnerDeployment.from_flow(
        resolve_name(written["entrypoint"]),
        name=written["name"],
        description=written["description"],
        tags=written["tags"],
        parameters=written["parameters"],
        schedules=[Schedule(**each) for each in written.get("schedules", ())],
        concurrency_limit=ConcurrencyLimitConfig.model_validate(limit) if limit else None,
        triggers=[DeploymentEventTrigger.model_validate(each) for each in written.get("triggers", ())],
        work_pool_name=work_pool,
        work_queue_name=pool["work_queue_name"] if work_pool else None,
        job_variables=pool["job_variables"] if work_pool else None,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
