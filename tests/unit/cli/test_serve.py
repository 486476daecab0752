"""`drills serve` deploys to a server of its own, and to no other that happens to listen there."""

import socket
from pathlib import Path

import pytest

from deployments.serve import HOST
from tests.samples.commands import drills


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr("subprocess.Popen", pytest.fail)  # nothing is started


def test_a_port_that_is_taken_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = str(other.getsockname()[1])
        monkeypatch.setenv("PREFECT_SERVER_API_PORT", port)
        done = drills("serve", cwd=tmp_path, DRILLS_SCHEDULE=".")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"drills: port {port} of {HOST} is taken, or cannot be used; set PREFECT_SERVER_API_PORT to a free"
        " port, or PREFECT_API_URL to the Prefect server that you mean\n"
    )


def test_a_port_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "70000")
    done = drills("serve", cwd=tmp_path, DRILLS_SCHEDULE=".")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"port 70000 of {HOST} is taken, or cannot be used" in done.stderr
