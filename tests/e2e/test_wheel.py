"""The built wheel in a new environment, an empty folder and an empty home: alone, and with all extras."""

import json
import os
import signal
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import httpx
import pytest

from blocks.registry import CONNECTORS
from deployments.shipped import read_deployments
from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, run_deployment, wait_until

pytestmark = (
    pytest.mark.chaos
)  # builds and installs; tests/unit/cli/test_without_extras.py is the cheaper test

NOT_ON_ITS_OWN = {"prefect", "pydantic", "fastapi", "sqlalchemy", "httpx", "cryptography"}
OF_EACH_ENVIRONMENT = {"pip", "setuptools", "wheel"}
_PATIENCE_SECONDS = 180
SERVED = "Your deployments are being served"


@dataclass(frozen=True)
class Installed:
    """An environment into which the wheel was installed, with an empty home and working directory."""

    bin: Path
    home: Path
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its processes: nothing that begins like ours, and nothing of this checkout."""
        foreign = ("PREFECT_", "DRILLS_", "CAVRA_", "PYTHON", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {**kept, "HOME": str(self.home), "PATH": f"{self.bin}:/usr/bin:/bin", "COLUMNS": "200"}

    def run(
        self, program: str, *words: str, code: int = 0, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment in the empty folder."""
        done = subprocess.run(
            [self.bin / program, *words],
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.stdout}\n{done.stderr}"
        return done

    @contextmanager
    def running(
        self, *command: str, cwd: Path, environ: Mapping[str, str]
    ) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
        """Run a program in the background; yield the process, and the file to which its output goes."""
        log = self.home / f"{'-'.join(command[:2])}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [self.bin / command[0], *command[1:]],
                cwd=cwd,
                env={**self.environ, **environ},
                stdout=file,
                stderr=file,
            )
            try:
                yield process, log
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel as a release does."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (built,) = out.glob("*.whl")
    return built


def install(place: Path, requirement: str) -> Installed:
    made = Installed(place / "venv/bin", place / "home", place / "folder")
    made.home.mkdir()
    made.folder.mkdir()
    venv.create(place / "venv", with_pip=True)
    made.run("python", "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), requirement)
    return made


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tmp_path_factory.mktemp("alone"), str(wheel))


@pytest.fixture(scope="module")
def complete(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tmp_path_factory.mktemp("complete"), f"{wheel}[all]")


def test_the_wheel_alone_is_as_small_as_the_page_says(alone: Installed) -> None:
    (packages,) = (alone.bin.parent / "lib").glob("python*/site-packages")
    names = {each.name.lower() for each in distributions(path=[str(packages)])} - OF_EACH_ENVIRONMENT
    megabytes = (
        sum(
            file.stat().st_size
            for file in packages.rglob("*")
            if file.is_file()
            and file.relative_to(packages).parts[0].partition("-")[0] not in OF_EACH_ENVIRONMENT
        )
        / 1e6
    )
    print(f"{len(names)} packages, {megabytes:.0f} MB")  # noqa: T201 - shown with -s

    assert not names & NOT_ON_ITS_OWN
    assert f"{len(names)} packages" in (ROOT / "docs/how-to/install.md").read_text()
    assert megabytes < 40


def test_the_wheel_alone_checks_gates_and_lints(alone: Installed) -> None:
    alone.run("drills", "init", "mine")
    documents = ("--schedule", "mine/schedule.yaml", "--history", "mine/history.json")

    assert json.loads(alone.run("drills", "check", *documents, "--json").stdout)["status"] == "ready"
    assert json.loads(alone.run("drills", "gate", *documents, "--json", code=1).stdout)["status"]
    assert "findings: 0" in alone.run("drills", "lint", "--strict", "mine").stdout
    refused = alone.run("drills", "deploy", code=2).stderr
    assert "needs the extra `flows`" in refused
    assert "Traceback" not in refused


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    def answers() -> bool | None:
        assert process.poll() is None, log.read_text()
        with suppress(httpx.HTTPError):
            return httpx.get(url, timeout=2).status_code == 200 or None
        return None

    wait_until(answers, within_seconds=_PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def server(complete: Installed) -> Iterator[PrefectServer]:
    """Start a Prefect server of the environment, in which nobody has registered our blocks."""
    port = find_port()
    api = f"http://127.0.0.1:{port}/api"
    environ = {"PREFECT_HOME": str(complete.home / "server"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    command = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with complete.running(*command, cwd=complete.home, environ=environ) as (process, log):
        wait_for(f"{api}/health", process, log)
        yield PrefectServer(
            api, {"PREFECT_API_URL": api, "PREFECT_HOME": environ["PREFECT_HOME"]}, complete.home
        )


def test_a_server_registers_every_connector_when_it_starts(server: PrefectServer) -> None:
    def registered() -> set[str] | None:
        found = server.ask("POST", "/block_types/filter", {"limit": 200})
        ours = {each["slug"] for each in found if each["slug"].startswith("rollback-drills-")}
        assert not {each["slug"] for each in found} & {"connector", "httpconnector", "incomingwebhook"}
        return ours if len(ours) == len(CONNECTORS) else None

    slugs = wait_until(registered, within_seconds=_PATIENCE_SECONDS)
    assert slugs == {kind.get_block_type_slug() for kind in CONNECTORS.values()}
    assert len(slugs) == 17


def test_a_worker_elsewhere_runs_what_was_deployed_from_an_empty_folder(
    complete: Installed, server: PrefectServer, tmp_path: Path
) -> None:
    complete.run("drills", "init", str(tmp_path / "documents"))
    printed = complete.run("drills", "deploy", environ=server.environ).stdout

    deployed = server.ask("POST", "/deployments/filter", {})
    assert f"Deployed {len(deployed)} deployments." in printed
    assert {each["name"] for each in deployed} == {each.name for each in read_deployments()}
    assert str(complete.folder) not in json.dumps(deployed)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environ = {**server.environ, "DRILLS_DATABASE_URL": f"sqlite:///{tmp_path}/evidence.db"}
    documents = {
        "schedule": str(tmp_path / "documents/schedule.yaml"),
        "history": str(tmp_path / "documents/history.json"),
    }
    with complete.running("prefect", "worker", "start", "--pool", "drills", cwd=elsewhere, environ=environ):
        run: dict[str, Any] = run_deployment(server, "drill-check", {**documents})

    assert run["state"]["name"] == "Ready", run["state"]
    assert not list(complete.folder.iterdir())
    assert not list(elsewhere.iterdir())
    complete.run("drills", "evidence", "verify", environ=environ)


def test_one_process_serves_from_an_empty_folder_with_a_server_of_its_own(
    complete: Installed, tmp_path: Path
) -> None:
    complete.run("drills", "init", str(tmp_path / "documents"))
    port = find_port()
    environ = {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_API_PORT": str(port),
        "DRILLS_SCHEDULE": str(tmp_path / "documents/schedule.yaml"),
        "DRILLS_HISTORY": str(tmp_path / "documents/history.json"),
        "DRILLS_DATABASE_URL": f"sqlite:///{tmp_path}/evidence.db",
    }
    api = f"http://127.0.0.1:{port}/api"
    with complete.running("drills", "serve", cwd=complete.folder, environ=environ) as (process, log):

        def served() -> bool | None:
            assert process.poll() is None, log.read_text()
            return SERVED in log.read_text() or None

        wait_until(served, within_seconds=_PATIENCE_SECONDS)
        run = run_deployment(PrefectServer(api, environ, tmp_path), "drill-check", {})

    assert run["state"]["name"] == "Ready", run["state"]
    assert not list(complete.folder.iterdir())
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{api}/health", timeout=2)


def test_the_api_and_the_console_work(complete: Installed, server: PrefectServer, tmp_path: Path) -> None:
    complete.run("drills", "init", str(tmp_path / "documents"))
    port = find_port()
    documents = ("--schedule", str(tmp_path / "documents/schedule.yaml"))
    environ = {**server.environ, "DRILLS_DATABASE_URL": f"sqlite:///{tmp_path}/evidence.db"}
    command = ("drills", "api", "--port", str(port), "--public-read", *documents)
    with complete.running(*command, cwd=tmp_path, environ=environ) as (process, log):
        wait_for(f"http://127.0.0.1:{port}/console", process, log)
        assert "payments-rollback" in httpx.get(f"http://127.0.0.1:{port}/console").text

    complete.run("drills", "console", "--out", str(tmp_path / "pages"), *documents, environ=environ)
    assert "payments-rollback" in (tmp_path / "pages/index.html").read_text()
