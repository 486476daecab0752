"""Asks for a run of each shard: in the work pool if there is one, else one after another in this process."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from prefect import State
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext, SyncClientContext
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Cancelling

DEPLOYMENT: Final = "drill-check/check-shard"
"""It has no limit of runs at a time, as that of the check has."""
_POLL_SECONDS: Final = 1.0
_IDLE_SECONDS: Final = 60.0
"""If no worker takes a shard for so long, this run checks one itself."""
_BY_THE_CHECK: Final = "No worker has taken this run: the check checks the shard itself."
_AT_ONCE: Final = 200  # Prefect's server returns no more runs at a time


CheckShard = Callable[..., State[Any]]
"""Checks one shard as a subflow of the current run, with the parameters of the flow."""


class ShardRuns:
    """The runs of the shards of one check."""

    def __init__(self, check_shard: CheckShard, parameters: Mapping[str, Any], minutes: float) -> None:
        """Ask for nothing yet.

        Args:
            check_shard: Checks one shard in this process.
            parameters: Of the flow, without the shard.
            minutes: After so many minutes a run that has not ended is given up.
        """
        self._check_shard, self._parameters = check_shard, parameters
        self._longest = timedelta(minutes=minutes)
        self._attempt = 0

    def run(self, shards: Sequence[str]) -> dict[str, State[Any] | None]:
        """Run each shard once, and return by shard its final state; None if it was given up."""
        self._attempt += 1
        with SyncClientContext.get_or_create() as opened:
            if not _has_deployment(opened.client):
                return {shard: self._run_here(shard) for shard in shards}
            asked = {self._ask(shard): shard for shard in shards}
            return self._wait(opened.client, asked)

    def _run_here(self, shard: str) -> State[Any]:
        return self._check_shard(**self._parameters, shard=shard)

    def _ask(self, shard: str) -> UUID:
        """Ask the work pool for a run; a retry of this run asks again."""
        context = FlowRunContext.get()
        parent = context.flow_run if context else None
        key = f"{parent.id}-{parent.run_count}-{shard}-{self._attempt}" if parent else None
        run = run_deployment(
            DEPLOYMENT,
            parameters={**self._parameters, "shard": shard},
            flow_run_name=f"shard {shard}",
            idempotency_key=key,
            timeout=0,
        )
        assert isinstance(run, FlowRun)  # noqa: S101 - nothing awaits here
        return run.id

    def _wait(self, client: SyncPrefectClient, asked: dict[UUID, str]) -> dict[str, State[Any] | None]:
        ended: dict[str, State[Any] | None] = {}
        busy_at = time.monotonic()
        while asked:
            time.sleep(_POLL_SECONDS)
            for run in _read_runs(client, list(asked)):
                state = run.state
                if state is None or state.is_scheduled():
                    continue
                busy_at = time.monotonic()
                if state.is_final():
                    ended[asked.pop(run.id)] = state
                elif _is_late(run, self._longest):
                    get_run_logger().warning("shard %s is given up: it has not ended", asked[run.id])
                    client.set_flow_run_state(run.id, Cancelling(message="The shard took too long."))
                    ended[asked.pop(run.id)] = None
            if asked and time.monotonic() - busy_at > _IDLE_SECONDS:
                run_id, shard = asked.popitem()
                get_run_logger().warning("no worker takes shard %s: this run checks it", shard)
                with suppress(ObjectNotFound):  # somebody has deleted it
                    client.set_flow_run_state(run_id, Cancelled(message=_BY_THE_CHECK), force=True)
                ended[shard] = self._run_here(shard)
        return ended


def _has_deployment(client: SyncPrefectClient) -> bool:
    """Return whether the current run comes from a deployment, and shards have one too."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.deployment_id is None:
        return False
    try:
        client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound:
        return False
    return True


def _read_runs(client: SyncPrefectClient, ids: Sequence[UUID]) -> list[FlowRun]:
    found = []
    for start in range(0, len(ids), _AT_ONCE):
        some = [str(each) for each in ids[start : start + _AT_ONCE]]
        wanted = {"flow_runs": {"id": {"any_": some}}, "limit": _AT_ONCE}
        found += client.request("POST", "/flow_runs/filter", json=wanted).json()
    return [FlowRun.model_validate(each) for each in found]


def _is_late(run: FlowRun, longest: timedelta) -> bool:
    began = run.start_time or (run.state.timestamp if run.state else None)
    return began is not None and datetime.now(UTC) - began > longest
