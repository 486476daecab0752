"""Checking a large fleet in shards: the memory that a process needs, and what a second worker brings."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any
from uuid import uuid4

from tests.bench.figures import print_count, print_throughput
from tests.bench.unchanged_runs import write_fleet

ROOT = Path(__file__).resolve().parents[2]
# fewer for a machine that is slow or busy: the first check of 100,000 takes tens of minutes there
SCHEDULES = int(os.environ.get("DRILLS_BENCH_SCHEDULES", "100000"))
SHARD_SIZE = min(10_000, SCHEDULES // 10)
_CHECK = """
import json, resource, sys
from flows.drill_check import drill_check
state = drill_check(schedule=sys.argv[1], return_state=True)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps([state.name, state.message, peak]))
"""


def report() -> None:
    """Print `shard_memory_mb`, and `shard_speedup` if DRILLS_TEST_POSTGRES names a database."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with prefect_test_harness(server_startup_timeout=120), tempfile.TemporaryDirectory() as folder:
        api = PREFECT_API_URL.value()
        schedules = write_fleet(Path(folder), SCHEDULES)
        environ = {**os.environ, "PREFECT_API_URL": api, "DRILLS_SHARD_SIZE": str(SHARD_SIZE)}
        environ["DRILLS_DATABASE_URL"] = f"sqlite:///{folder}/evidence.db"
        _report_memory(environ, schedules)
        if postgres := os.environ.get("DRILLS_TEST_POSTGRES"):
            with _database(postgres) as url:
                _report_speedup({**environ, "DRILLS_DATABASE_URL": url}, schedules, _make_empty(folder))


def _report_memory(environ: Mapping[str, str], schedules: str) -> None:
    """Check twice: what is new, then what is unchanged. One process checks all shards."""
    peaks = [_check(environ, schedules) for _ in range(2)]
    what = f"highest memory of a process that checks {SCHEDULES:,} schedules, of a first and an unchanged run"
    print_count("shard_memory_mb", max(peaks), at_most=500, what=what)


def _check(environ: Mapping[str, str], schedules: str) -> int:
    command = [sys.executable, "-c", _CHECK, schedules]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    name, message, peak = json.loads(done.stdout.splitlines()[-1])
    assert name == "Ready", message
    return int(peak)


def _make_empty(parent: str) -> str:
    folder = Path(parent) / "empty"
    folder.mkdir()
    return str(folder)


def _report_speedup(environ: Mapping[str, str], schedules: str, folder: str) -> None:
    """Time an unchanged check whose shards one worker takes one at a time, and two at a time.

    Args:
        environ: Of the workers.
        schedules: The file of the schedules.
        folder: Where the runs begin; it is empty.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate

    from flows.check import shard_runs
    from flows.drill_check import drill_check

    shard_runs._IDLE_SECONDS = 3600  # type: ignore[misc]  # only the workers check shards
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="drills", type="process"))
        flow_id = client.create_flow(drill_check)
        client.create_deployment(
            flow_id,
            "check-shard",
            work_pool_name="drills",
            entrypoint="flows.drill_check.drill_check",
            path=folder,  # as `drills deploy` has it: each run begins with a copy of what is there
        )
        check_id = client.create_deployment(flow_id, "drill-check")
    os.environ |= environ

    def check() -> None:
        from prefect.flow_engine import run_flow

        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(check_id)
        state: Any = run_flow(
            drill_check, flow_run=run, parameters={"schedule": schedules}, return_type="state"
        )
        assert state.name == "Ready", state

    with _worker(environ, limit=2):
        check()  # records every schedule
    one, two = (_time(environ, limit, check) for limit in (1, 2))
    what = f"unchanged check of {SCHEDULES:,} schedules on PostgreSQL, one shard at a time / two at a time"
    print_throughput("shard_speedup", two, one, at_least=1.6, runs=1, what=what)


def _time(environ: Mapping[str, str], limit: int, check: Callable[[], None]) -> float:
    with _worker(environ, limit=limit):
        started = perf_counter()
        check()
        return perf_counter() - started


@contextmanager
def _worker(environ: Mapping[str, str], *, limit: int) -> Iterator[None]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "drills", "--limit", str(limit)]
    often = {"PREFECT_WORKER_QUERY_SECONDS": "1"}  # else most of the time is waiting for the next look
    worker = subprocess.Popen(
        command, cwd=ROOT, env={**environ, **often}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        sleep(10)  # it polls by then
        yield
    finally:
        worker.terminate()
        worker.wait(timeout=60)


@contextmanager
def _database(postgres: str) -> Iterator[str]:
    from sqlalchemy import create_engine, make_url, text

    name = f"bench_{uuid4().hex}"
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
