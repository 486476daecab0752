"""Two Prefect servers behind one address, and two workers: one of each is killed while a fleet is checked."""

import os
import shutil
import signal
import subprocess
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from tests.chaos.fleet_storm import FleetStorm, deploy, end_runs, find_processes
from tests.e2e.conftest import PrefectServer, wait_until
from tests.processes.load_balancer import load_balancer
from tests.processes.loopback_receiver import running_receiver
from tests.processes.prefect_server import postgresql_for_prefect, write_authority
from tests.processes.terminal import find_port

POSTGRES = os.environ.get("DRILLS_TEST_POSTGRES", "")
COUNT = int(os.environ.get("DRILLS_CHAOS_SCHEDULES", "10000"))
SHARDS = 4
SLOW_SECONDS = 0.02
NEW = COUNT // 20
"""So many schedules come due; a part of the notifications has arrived when the kills come."""


@pytest.mark.chaos
@pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="on Debian: apt install redis-server")
def test_a_server_and_a_worker_are_killed_and_nothing_is_lost_or_sent_twice(tmp_path: Path) -> None:
    pytest.importorskip("prefect_redis", reason="run `make docs` once")
    with ExitStack() as stack:
        receiver = stack.enter_context(running_receiver(tmp_path / "received.jsonl", delay=SLOW_SECONDS))
        evidence = make_database(stack)
        prefect = stack.enter_context(postgresql_for_prefect(POSTGRES))
        redis = find_port()
        listen = ("--port", str(redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path))
        broker = stack.enter_context(subprocess.Popen(["redis-server", *listen], stdout=subprocess.DEVNULL))
        stack.callback(broker.terminate)
        ports = [find_port(), find_port()]
        balancer = stack.enter_context(load_balancer(ports))
        environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("PREFECT_", "CAVRA_", "DRILLS_"))
            },
            "HOME": str(tmp_path),
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{balancer.port}/api",
            "PREFECT_API_SSL_CERT_FILE": write_authority(tmp_path),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # as docs/how-to/run-prefect-with-postgresql-and-redis.md has them
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefect,
            "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
            "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
            "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
            "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
            "PREFECT_SERVER_DOCKET_URL": f"redis://127.0.0.1:{redis}/1",
            "PREFECT_REDIS_MESSAGING_HOST": "127.0.0.1",
            "PREFECT_REDIS_MESSAGING_PORT": str(redis),
            "DRILLS_DATABASE_URL": evidence,
            "DRILLS_SHARD_SIZE": str(COUNT // SHARDS),
            "DRILLS_TURNED_BAD_SHARE": "1",
        }
        behind = PrefectServer(environ["PREFECT_API_URL"], environ, tmp_path)
        behind.run("prefect", "server", "database", "upgrade", "--yes")
        servers = []
        for port in ports:
            own = replace(behind, home=tmp_path / str(port))
            own.home.mkdir()
            serving = ("--host", "127.0.0.1", "--port", str(port), "--no-services")
            servers.append(stack.enter_context(own.running("prefect", "server", "start", *serving)))
            wait_until(lambda at=port: answers(at), within_seconds=300)  # type: ignore[misc]
        (tmp_path / "services").mkdir()
        services = replace(behind, home=tmp_path / "services")
        stack.enter_context(services.running("prefect", "server", "services", "start"))

        workers = deploy(behind, receiver, stack)
        killed_runs = "deployments/automations/mark-killed-runs.yaml"  # else a check waits for its shards
        behind.run("prefect", "automation", "create", "--from-file", killed_runs)
        stack.callback(end_runs, behind.api)
        storm = FleetStorm(behind, receiver, COUNT, seed=1)
        storm.run_round()
        killed = [servers[0].pid, workers[0].pid]

        def kill_one_of_each() -> None:
            wait_until(lambda: len(receiver.received()) >= NEW // 5 or None, within_seconds=600)
            children = {pid for _, pid in find_processes(behind.api) if parent_of(pid) == workers[0].pid}
            storm.kill([*children, *killed])

        storm.let_be_overdue(NEW)
        storm.run_round(meanwhile=kill_one_of_each)
        storm.finish()
        report = storm.report()

    assert all(each.returncode == -signal.SIGKILL for each in (servers[0], workers[0])), report
    assert report["lost"] == report["undelivered"] == report["too_many"] == 0, report
    assert report["duplicates"] <= report["in_flight_at_the_kills"], report
    assert report["unmarked_duplicates"] == 0, report
    assert report["is_intact"], report
    assert report["verified_checks"] == report["recorded_checks"] >= 2, report


def make_database(stack: ExitStack) -> str:
    """Make an empty database for the evidence, and remove it afterwards."""
    url, name = make_url(POSTGRES), f"two_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")

    def run(statement: str) -> None:
        with engine.connect() as connection:
            connection.execute(text(statement))

    run(f"CREATE DATABASE {name}")
    stack.callback(run, f"DROP DATABASE {name} WITH (FORCE)")
    return url.set(database=name).render_as_string(hide_password=False)


def parent_of(pid: int) -> int | None:
    """Return the parent of a process; None if it has ended."""
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def answers(port: int) -> bool | None:
    """Whether a server answers; None if not yet."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=10).status_code == 200 or None
    return None
