"""Deployments of earlier versions and of copied files, whose workers run the code of a checkout."""

from collections.abc import Iterable
from dataclasses import dataclass

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.responses import DeploymentResponse

_PAGE = 200
"""As many as a Prefect server returns at once."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A deployment that an upgrade does not reach."""

    name: str
    """`FLOW/DEPLOYMENT`, as the commands of Prefect take it."""
    entrypoint: str
    """`FILE:FUNCTION`, relative to the checkout."""


def find_left_behind(flows: Iterable[str]) -> list[LeftBehind]:
    """Return the deployments of these flows on the server whose entrypoint is a file, by name."""
    wanted = FlowFilter(name=FlowFilterName(any_=sorted(set(flows))))
    with get_client(sync_client=True) as client:
        names = {each.id: each.name for each in client.read_flows(flow_filter=wanted)}
        found: list[DeploymentResponse] = []
        while page := client.read_deployments(flow_filter=wanted, limit=_PAGE, offset=len(found)):
            found += page
    left = (LeftBehind(f"{names[each.flow_id]}/{each.name}", each.entrypoint or "") for each in found)
    return sorted((each for each in left if ":" in each.entrypoint), key=lambda each: each.name)
