"""What a Prefect server needs before it runs the flows: block types, an automation, a work pool."""

from collections.abc import Sequence

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
)
from prefect.deployments.runner import RunnerDeployment
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from blocks.registry import CONNECTORS
from deployments.templates import KILLED_RUNS
from rollback_drills.errors.effects import note_effect


def register_blocks() -> int:
    """Register the types of all connectors, so that the UI has their forms; return how many there are."""
    for kind in CONNECTORS.values():
        kind.register_type_and_schema()
        note_effect()
    return len(CONNECTORS)


def create_automations() -> None:
    """Create the automation that marks killed runs as crashed, unless there is one of that name."""
    with get_client(sync_client=True) as client:
        for each in yaml.safe_load(KILLED_RUNS.path.read_text())["automations"]:
            if not client.read_automations_by_name(each["name"]):
                client.create_automation(AutomationCore.model_validate(each))
                note_effect()


def create_work_pool(name: str) -> bool:
    """Create a work pool of processes, unless there is a work pool of that name; return whether it is new."""
    with get_client(sync_client=True) as client:
        if _is_there(client, name):
            return False
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))
        note_effect()
    return True


def _is_there(client: SyncPrefectClient, name: str) -> bool:
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        return False
    return True


def is_paused(work_pool: str) -> bool:
    """Return whether a work pool is paused: its workers wait, however often something is deployed to it."""
    with get_client(sync_client=True) as client:
        return client.read_work_pool(work_pool).is_paused


def find_former_pools(deployments: Sequence[RunnerDeployment]) -> list[str]:
    """Return the work pools, by name, that these deployments leave when they are applied."""
    wanted = {(each.flow_name, each.name): each.work_pool_name for each in deployments}
    flows = FlowFilter(name=FlowFilterName(any_=sorted({flow for flow, _ in wanted if flow})))
    names = DeploymentFilter(name=DeploymentFilterName(any_=sorted({name for _, name in wanted})))
    with get_client(sync_client=True) as client:
        flow_names = {each.id: each.name for each in client.read_flows(flow_filter=flows)}
        there = client.read_deployments(flow_filter=flows, deployment_filter=names)
    pools = {
        each.work_pool_name
        for each in there
        if each.work_pool_name and each.work_pool_name != wanted.get((flow_names[each.flow_id], each.name))
    }
    return sorted(pools)
