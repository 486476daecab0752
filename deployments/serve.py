"""Serves the deployments from this process, with a Prefect server of its own unless one is configured."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from rollback_drills.errors import UsageError

HOST: Final = "127.0.0.1"
_START_WITHIN_SECONDS: Final = 120


def serve_deployments() -> None:
    """Serve until interrupted.

    Raises:
        UsageError: The server of its own does not start, or its port is taken.
    """
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")  # for mark-killed-runs.yaml
    with contextlib.suppress(KeyboardInterrupt), _server():
        from prefect import serve  # after PREFECT_API_URL is set

        from deployments.server_setup import create_automations, find_former_pools, register_blocks
        from deployments.shipped import read_deployments

        register_blocks()
        create_automations()
        deployments = read_deployments()
        for pool in find_former_pools(deployments):
            print(
                f"Deployments moved from the work pool {pool} to this process: workers of {pool} no longer"
                " run them, also when this process has stopped. `drills deploy` moves them back.",
                flush=True,
            )
        # a restart must not silently leave the schedules off
        serve(*deployments, pause_on_shutdown=False)


@contextlib.contextmanager
def _server() -> Iterator[None]:
    """Start a Prefect server on loopback, unless PREFECT_API_URL names one."""
    if "PREFECT_API_URL" in os.environ:
        yield
        return
    port = os.environ.get("PREFECT_SERVER_API_PORT", "4200")
    _require_free(port)
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", port]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    try:
        _wait_for_server(process)
        print(f"Prefect server and UI: http://{HOST}:{port}  (stop with Ctrl-C)", flush=True)
        yield
    finally:
        process.terminate()
        process.wait()


def _require_free(port: str) -> None:
    """Ensure that no other server answers on a port: it would get the deployments in place of ours."""
    try:
        socket.create_server((HOST, int(port))).close()
    except (OSError, ValueError, OverflowError):
        raise UsageError(
            f"port {port} of {HOST} is taken, or cannot be used; set PREFECT_SERVER_API_PORT to a free port,"
            " or PREFECT_API_URL to the Prefect server that you mean"
        ) from None


def _wait_for_server(process: "subprocess.Popen[bytes]") -> None:
    from prefect.client.orchestration import get_client  # after PREFECT_API_URL is set

    with get_client(sync_client=True) as client:
        for _ in range(_START_WITHIN_SECONDS):
            if process.poll() is not None:
                raise UsageError("the Prefect server did not start; what it printed says why")
            if client.api_healthcheck() is None:
                return
            time.sleep(1)
    raise UsageError(f"the Prefect server did not answer within {_START_WITHIN_SECONDS} seconds; try again")
