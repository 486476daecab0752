"""The temporary Prefect server of a command ends with it, also if SIGTERM ends both."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.api.test_server import DRILLS, running_api
from tests.bench.unchanged_runs import write_fleet
from tests.e2e.conftest import wait_until

pytestmark = pytest.mark.chaos


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Make an environment in which nothing is configured, so that commands start a server."""
    found = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT_", "DRILLS_"))}
    return found | {"HOME": str(tmp_path), "DRILLS_DATABASE_URL": f"sqlite:///{tmp_path}/evidence.db"}


def test_it_ends_with_the_api(environ: dict[str, str], tmp_path: Path) -> None:
    with running_api("--public-read", environ=environ, log=tmp_path / "log") as address:
        httpx.get(f"{address}/healthz", timeout=120)
        started = find_processes(tmp_path)

    assert len(started) == 2, "the API, and its server"
    assert wait_until(lambda: None if find_processes(tmp_path) else True, within_seconds=30)


def test_it_ends_with_a_run_that_is_ended(environ: dict[str, str], tmp_path: Path) -> None:
    schedules = write_fleet(tmp_path, 20_000)
    command = [*DRILLS, "deliver", "--schedule", schedules]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as run:
        database = tmp_path / "evidence.db"  # the run has begun
        wait_until(lambda: True if database.exists() else None, within_seconds=120)
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=60)

    assert run.returncode == 143
    assert said.startswith("drills: ended by SIGTERM")
    assert said.count("\n") == 1
    assert wait_until(lambda: None if find_processes(tmp_path) else True, within_seconds=30)


def find_processes(home: Path) -> list[str]:
    """Return the ids of the processes that have this home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is that of somebody else
            if f"HOME={home}".encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found
