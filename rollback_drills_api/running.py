"""Runs flows for the API: as deployments on the workers, or in this process."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from rollback_drills.delivery.results import DeliveryFailedError
from rollback_drills_api.problems import Problem

_POLL_SECONDS: Final = 0.5
_one_at_a_time: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a flow run ended."""

    message: str
    is_completed: bool
    result: Mapping[str, Any] | None
    """What it returned; None if it returned nothing, or another process has it."""


def run_embedded(name: str, parameters: Mapping[str, Any], *, timeout_seconds: float) -> Ran:
    """Run a flow in this process, one at a time.

    Raises:
        Problem: Another one is running for too long.
    """
    if not _one_at_a_time.acquire(timeout=timeout_seconds):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "another run is not over yet", headers={"retry-after": "10"}
        )
    try:
        state = _find_flow(name)(**parameters, return_state=True)
    finally:
        _one_at_a_time.release()
    ended_with = state.result(raise_on_failure=False)
    result = ended_with.result if isinstance(ended_with, DeliveryFailedError) else ended_with
    return Ran(state.message or "", state.is_completed(), result if isinstance(result, dict) else None)


def _find_flow(name: str) -> Any:
    from flows.acknowledge_notification import acknowledge_notification  # Prefect takes a second to import
    from flows.deliver_notifications import deliver_notifications

    flows = (acknowledge_notification, deliver_notifications)
    return next(flow for flow in flows if flow.name == name)


def run_deployed(name: str, parameters: Mapping[str, Any], *, timeout_seconds: float) -> Ran:
    """Run a deployment of the same name as its flow, and wait for the end.

    Raises:
        Problem: The server does not answer, has no such deployment, or the run is not over in time.
    """
    import httpx  # Prefect's client speaks through it
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound

    try:
        run: Any = run_deployment(
            f"{name}/{name}",
            parameters=dict(parameters),
            timeout=timeout_seconds,
            poll_interval=_POLL_SECONDS,
            as_subflow=False,
            _sync=True,  # type: ignore[call-arg]  # Prefect's decorator adds it
        )
    except ObjectNotFound:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"there is no deployment {name}/{name}") from None
    except httpx.HTTPError as error:
        why = f"the Prefect server cannot be reached ({type(error).__name__})"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, why) from None
    state = run.state
    if state is None or not state.is_final():
        raise Problem(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"the flow run {run.id} is not over after {timeout_seconds:g} s; it goes on in Prefect",
        )
    return Ran(state.message or "", state.is_completed(), None)
