"""Runs flows for the API: as deployments on the workers, or in this process."""

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Raw

from rollback_drills.errors import UsageError
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.settings import NOTHING_TO_WATCH
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.problems import Problem

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.5
_ASKED: Final = frozenset({"provider", "routing_policy"})
"""The parameters whose mistakes only a run may find, and that are the caller's own."""
_one_at_a_time: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a flow run ended."""

    flow_run_id: str
    message: str
    is_completed: bool
    result: Raw | None
    """What it returned, as JSON; None if it returned nothing, or another process has it."""
    refused: UsageError | None = None
    """What it found wrong with its parameters; None as well if another process has it."""


def run_flow(options: ApiOptions, name: str, parameters: Mapping[str, object]) -> Ran:
    """Run a flow where the operator wants it, and wait for its end.

    Raises:
        Problem: It cannot be run, or is not over in time.
    """
    _check_size(parameters)
    run = run_embedded if options.is_embedded else run_deployed
    return run(name, parameters, timeout_seconds=options.flow_timeout_seconds)


def _check_size(parameters: Mapping[str, object]) -> None:
    """Refuse parameters that the Prefect server refuses.

    Raises:
        Problem: They are too large.
    """
    from prefect.settings import get_current_settings  # Prefect takes a second to import

    most = get_current_settings().server.api.max_parameter_size
    size = len(json.dumps(parameters, default=str, separators=(",", ":")))
    if 0 < most < size:
        largest = max(parameters, key=lambda name: len(json.dumps(parameters[name], default=str)))
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"$.{largest} is too large: a flow run takes {most:,} bytes, and this needs {size:,}; send less",
        )


def find_connectors() -> frozenset[str]:
    """Return the names of the connectors that are saved and enabled.

    Raises:
        Problem: The Prefect server cannot be reached.
    """
    import httpx  # Prefect's client speaks through it

    from blocks.registry import enabled_connectors

    try:
        return frozenset(enabled_connectors())
    except (httpx.HTTPError, RuntimeError) as error:
        raise _unreachable(error) from None


def find_replay_approvals() -> frozenset[str]:
    """Return the names of the connectors through which nothing is replayed without an approval.

    Raises:
        Problem: The Prefect server cannot be reached.
    """
    import httpx  # Prefect's client speaks through it

    from blocks.registry import find_replay_approvals as find

    try:
        return find()
    except (httpx.HTTPError, RuntimeError) as error:
        raise _unreachable(error) from None


def documents_of(options: ApiOptions) -> dict[str, str | None]:
    """Return the parameters by which a flow in this process reads the documents that are served."""
    settings = options.settings
    return {"schedule": settings.schedule, "history": settings.history} if options.is_embedded else {}


def explain_failure(ran: Ran) -> Exception:
    """Explain why a run did nothing: the caller's request was refused, or the log has the reason."""
    if ran.refused:
        return ran.refused
    if ran.message.startswith(NOTHING_TO_WATCH):
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, ran.message)
    logger.warning("a flow run failed: %s", redactor_in_use().text(ran.message))
    return Problem(HTTPStatus.BAD_GATEWAY, "the flow run failed; the log of the API and Prefect say why")


def run_embedded(name: str, parameters: Mapping[str, object], *, timeout_seconds: float) -> Ran:
    """Run a flow in this process, one at a time.

    Raises:
        Problem: Another one is running for too long, or the Prefect server does not answer.
    """
    import httpx  # Prefect's client speaks through it

    if not _one_at_a_time.acquire(timeout=timeout_seconds):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "another run is not over yet", headers={"retry-after": "10"}
        )
    try:
        state = _find_flow(name)(**parameters, return_state=True)
    except httpx.HTTPStatusError as error:
        raise _refused(error.response.status_code) from None
    except (httpx.TransportError, RuntimeError) as error:
        # Prefect says so with a RuntimeError when a run begins, and by the error of httpx later on
        if not isinstance(error, httpx.TransportError) and not isinstance(
            error.__cause__, httpx.TransportError
        ):
            raise
        raise _unreachable(error) from None
    finally:
        _one_at_a_time.release()
    ended_with = state.result(raise_on_failure=False)
    result = ended_with.result if isinstance(ended_with, DeliveryFailedError) else ended_with
    return Ran(
        str(state.state_details.flow_run_id),
        state.message or "",
        state.is_completed(),
        Raw(msgspec.json.encode(result)) if isinstance(result, dict) else None,
        ended_with if isinstance(ended_with, UsageError) and ended_with.field in _ASKED else None,
    )


def _unreachable(error: Exception) -> Problem:
    why = f"the Prefect server cannot be reached ({type(error).__name__})"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, why)


def _refused(status: int) -> Problem:
    return Problem(HTTPStatus.BAD_GATEWAY, f"the Prefect server answered {status}; its log says why")


def _find_flow(name: str) -> Any:
    from flows.acknowledge_notification import acknowledge_notification  # Prefect takes a second to import
    from flows.approve_replay import approve_replay
    from flows.decide_exception import decide_exception
    from flows.deliver_notifications import deliver_notifications
    from flows.execute_replay import execute_replay
    from flows.grant_exception import grant_exception
    from flows.record_drill import record_drill
    from flows.replay_notifications import replay_notifications
    from flows.request_exception import request_exception
    from flows.request_replay import request_replay
    from flows.retire_schedule import retire_schedule

    flows = (
        *(acknowledge_notification, deliver_notifications, record_drill),
        *(grant_exception, request_exception, decide_exception, retire_schedule),
        *(replay_notifications, request_replay, approve_replay, execute_replay),
    )
    return next(flow for flow in flows if flow.name == name)


def _find_what_it_does(state: Any) -> str:
    if state is None or state.is_scheduled() or state.is_pending():
        name = state.name if state else "without a state"
        return f"is {name} and has not begun: is a worker running, and its work pool not paused?"
    return "continues in Prefect"


def run_deployed(name: str, parameters: Mapping[str, object], *, timeout_seconds: float) -> Ran:
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
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"there is no deployment {name}/{name}; create it with `drills deploy`",
        ) from None
    except httpx.HTTPStatusError as error:
        raise _refused(error.response.status_code) from None
    except httpx.HTTPError as error:
        raise _unreachable(error) from None
    state = run.state
    if state is None or not state.is_final():
        raise Problem(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"the flow run {run.id} did not end within {timeout_seconds:g} s; it {_find_what_it_does(state)}",
        )
    return Ran(str(run.id), state.message or "", state.is_completed(), None)
