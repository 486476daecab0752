"""Marks runs as crashed whose process was killed together with its worker, so that nobody reported it."""

from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.context import FlowRunContext, SyncClientContext
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger
from prefect.states import Crashed

_MESSAGE: Final = (
    "The process of this run was killed: a later run has its slot and continues with what it left."
)


def mark_killed_predecessors() -> None:
    """Mark other running runs of the deployment as crashed, if only one may run at a time.

    The current run has the one slot, so no other run has a process that renews its lease. To be called when
    the work is done: with each run that is marked Prefect frees a slot, which may be that of this run.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or run.deployment_id is None or run.state is None:
        return
    if run.state.state_details.deployment_concurrency_lease_id is None:
        return
    try:
        with SyncClientContext.get_or_create() as opened:
            _mark(opened.client, run.id, run.deployment_id)
    except (httpx.HTTPError, PrefectException) as error:  # a run that did its work does not fail for it
        get_run_logger().warning("killed runs could not be marked: %s", type(error).__name__)


def _mark(client: SyncPrefectClient, run_id: UUID, deployment_id: UUID) -> None:
    wanted = {
        "deployment_id": {"any_": [str(deployment_id)]},
        "state": {"type": {"any_": ["RUNNING"]}},
        "id": {"not_any_": [str(run_id)]},
    }
    found = client.request("POST", "/flow_runs/filter", json={"flow_runs": wanted}).json()
    limit = client.read_deployment(deployment_id).global_concurrency_limit if found else None
    if limit is None or limit.limit != 1:
        return
    for each in found:
        client.set_flow_run_state(UUID(each["id"]), Crashed(message=_MESSAGE))
        get_run_logger().warning("the process of run %s was killed; it is marked as crashed", each["name"])
