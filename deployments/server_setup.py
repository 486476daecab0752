"""What a Prefect server needs before it runs the flows: block types, an automation, a work pool."""

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
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
