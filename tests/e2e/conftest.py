"""Real processes for the tests from end to end: a Prefect server, a worker, a receiver."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from tests.checkout import ROOT
from tests.processes.prefect_server import copy_migrated, keep_migrated, write_authority
from tests.samples.commands import drills

_START_WITHIN_SECONDS = 300  # a server takes ten seconds of a core to start, and a busy machine has few
_ASK_SECONDS = 60
_END_WITHIN_SECONDS = 120
T = TypeVar("T")


@dataclass(frozen=True)
class PrefectServer:
    """A Prefect server in a process of its own, with a home and an environment of its own."""

    api: str
    environ: Mapping[str, str]
    home: Path

    def run(self, *command: str) -> str:
        """Run a command against this server, and give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def drills(self, *words: str) -> str:
        """Call `drills` in this process as if it had this environment, and return what it printed."""
        done = drills(*words, cwd=ROOT, **self.environ)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, method: Literal["GET", "POST", "DELETE"], path: str, body: Any = None) -> Any:
        """Ask its API, again when it answers 503 because its database is busy; return the answer's value."""
        with SyncPrefectClient(self.api) as client:
            answer = client.request(method, cast("Any", path), json=body, timeout=_ASK_SECONDS)
        return answer.json() if answer.content else None

    @contextmanager
    def running(self, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a command in the background; its output goes to a file below the home."""
        with (self.home / f"{command[0]}-{command[1]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self.environ, stdout=log, stderr=log
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(timeout=_END_WITHIN_SECONDS)
                except subprocess.TimeoutExpired:  # a worker may wait for what it has lost
                    process.kill()
                    process.wait()


def wait_until(found: Callable[[], T | None], *, within_seconds: float) -> T:
    """Ask again and again until there is an answer."""
    until = time.monotonic() + within_seconds
    while time.monotonic() < until:
        answer = found()
        if answer is not None:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"nothing within {within_seconds} s")


def run_deployment(server: PrefectServer, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Start a run of FLOW/DEPLOYMENT as the UI does, and wait for its end; one name stands for both."""
    flow_name, _, deployment_name = name.partition("/")
    path = f"/deployments/name/{flow_name}/{deployment_name or flow_name}"

    def found() -> str | None:
        with suppress(ObjectNotFound):
            return str(server.ask("GET", path)["id"])
        return None

    identifier = wait_until(found, within_seconds=300)
    started = server.ask("POST", f"/deployments/{identifier}/create_flow_run", {"parameters": parameters})

    def ended() -> dict[str, Any] | None:
        run: dict[str, Any] = server.ask("GET", f"/flow_runs/{started['id']}")
        return run if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    return wait_until(ended, within_seconds=300)


@contextmanager
def running_server(home: Path, database: str = "") -> Iterator[PrefectServer]:
    """Run a Prefect server with a home and a port of its own.

    Args:
        home: Its folder.
        database: The URL of its database; empty for SQLite in its home.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    on_postgresql = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database} if database else {}
    if not database:
        copy_migrated(home / "prefect" / "prefect.db")
    environ = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "CAVRA_", "DRILLS_"))
        },
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": api,
        "PREFECT_API_SSL_CERT_FILE": write_authority(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DRILLS_DATABASE_URL": f"sqlite:///{home / 'evidence.db'}",
        "HOME": str(home),
        **on_postgresql,
    }
    server = PrefectServer(api, environ, home)
    with server.running("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)) as process:

        def healthy() -> bool | None:
            assert process.poll() is None, (home / "prefect-server.log").read_text()
            try:
                return httpx.get(f"{api}/health", timeout=2).status_code == 200 or None
            except httpx.HTTPError:
                return None

        wait_until(healthy, within_seconds=_START_WITHIN_SECONDS)
        if not database:
            keep_migrated(home / "prefect" / "prefect.db")
        yield server
