"""What starts in containers, in Kubernetes and under systemd, as the files have it, without rights."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from tests.checkout import ROOT
from tests.reading.start_commands import DEPLOYMENTS, Start, read_compose, read_kubernetes, read_units

pytestmark = pytest.mark.chaos

PASSWORD: Final = "a%20password-with/odd:characters"
SECRETS: Final = {
    "postgres-password": PASSWORD,
    "prefect-auth": "drills:another-password\n",
    "drills-database-url": "postgresql+psycopg://drills:a%2520password-with%2Fodd%3Acharacters@postgres/drills\n",
    "prefect-database-url": "postgresql+asyncpg://drills:a%2520password-with%2Fodd%3Acharacters@postgres/prefect\n",
}
NAMESPACES: Final = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def find_postgres() -> Path | None:
    """Return the folder of the programs of PostgreSQL."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def can_unshare() -> bool:
    """Whether this user may have namespaces of its own."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "ip", "mount", "setpriv"))):
        return False
    return subprocess.run((*NAMESPACES, "true"), check=False, capture_output=True).returncode == 0


needs_a_machine = pytest.mark.skipif(not can_unshare(), reason="only root can have a machine of its own")
needs_databases = pytest.mark.skipif(
    not (find_postgres() and shutil.which("redis-server") and find_spec("prefect_redis")),
    reason="PostgreSQL, Redis or prefect-redis is not installed; `make chaos` installs the last one",
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own, which finds other packages in that of the tests."""
    place = tmp_path_factory.mktemp("wheel")
    tree = place / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "tests", "docs"))
    build = (sys.executable, "-m", "build", "--wheel", "--outdir", str(place), str(tree))
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    made = place / "environment"
    venv.create(made, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", str(made / "bin" / "python"), "install", "--quiet")
    subprocess.run((*pip, "--no-deps", "--no-index", str(wheel)), check=True)
    packages = sysconfig.get_paths()["purelib"]
    (site,) = made.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(f"{packages}\n")
    for program in ("prefect", "drills"):  # as they are where the files look for them
        _, _, text = Path(sysconfig.get_paths()["scripts"], program).read_text().partition("\n")
        (made / "bin" / program).write_text(f"#!/opt/drills/bin/python\n{text}")
        (made / "bin" / program).chmod(0o755)
    return made


def start_all(
    starts: Sequence[Start],
    environment: Path,
    logs: Path,
    *,
    postgres: Path | None,
    then: Sequence[Start] = (),
) -> dict[str, str]:
    """Start everything on a machine of its own; return by name what went wrong, with the end of its log."""
    logs.chmod(0o755)
    plan: dict[str, Any] = {
        "starts": [asdict(each) for each in starts],
        "then": [asdict(each) for each in then],
        "environment": str(environment),
        "packages": sysconfig.get_paths()["purelib"],
        "tools": [sys.base_prefix, str(ROOT)],
        "postgres": str(postgres or ""),
        "databases": str(DEPLOYMENTS / "container" / "databases.sql"),
        "documents": str(ROOT / "examples" / "fleet"),
        "secrets": SECRETS,
        "logs": str(logs),
    }
    (logs / "plan.json").write_text(json.dumps(plan))
    script = str(ROOT / "tests" / "processes" / "all_processes.py")
    done = subprocess.run(
        (*NAMESPACES, sys.executable, script, str(logs / "plan.json")),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    results = dict(map(json.loads, done.stdout.splitlines()))
    assert list(results) == [each.name for each in (*starts, *then)]
    return {
        name: f"{problem}: {(logs / name).read_text()[-2000:]}"
        for name, problem in results.items()
        if problem
    }


def run_of(start: Start, deployment: str) -> Start:
    """Return what runs a deployment where another process runs, and waits for its end."""
    prefix = start.command[: start.command.index("--") + 1]
    words = ("prefect", "deployment", "run", deployment, "--watch", "--watch-timeout", "120")
    return Start(f"run of {deployment.partition('/')[0]}", (*prefix, *words), start.environ, ends=True)


@needs_a_machine
@needs_databases
@pytest.mark.parametrize("read", [read_compose, read_kubernetes], ids=["compose", "Kubernetes"])
def test_everything_in_containers_starts_as_the_files_have_it(
    read: Any, environment: Path, tmp_path: Path
) -> None:
    starts = read()
    worker = next(each for each in starts if each.name.endswith("worker"))

    problems = start_all(
        starts,
        environment,
        tmp_path,
        postgres=find_postgres(),
        then=[run_of(worker, "review-notifications/review-notifications")],
    )

    assert problems == {}


@needs_a_machine
def test_everything_under_systemd_starts_as_the_units_have_it(environment: Path, tmp_path: Path) -> None:
    starts = read_units()

    assert start_all(starts, environment, tmp_path, postgres=None) == {}
