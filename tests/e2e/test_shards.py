"""A large fleet on a work pool: a run of each shard, on several workers, of which some are killed."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import CHECK_SHARDS
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND
from tests.e2e.conftest import PrefectServer, run_deployment
from tests.samples.builders import SCHEDULE
from tests.samples.populations import records, verify

pytestmark = pytest.mark.chaos  # tests/e2e/test_deployments.py has a small one
COUNT = 20


@pytest.fixture(scope="module")
def workers(deployed: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Start two workers of two runs at a time: the check needs one of its own."""
    home = tmp_path_factory.mktemp("shards")
    own = replace(
        deployed,
        environ={
            **deployed.environ,
            "DRILLS_DATABASE_URL": f"sqlite:///{home / 'evidence.db'}",
            "DRILLS_SHARD_SIZE": "5",
        },
        home=home,
    )
    own.run("prefect", "deployment", "schedule", "clear", "drill-check/drill-check", "--accept-yes")
    with ExitStack() as running:
        for number in (1, 2):
            worker = ("worker", "start", "--pool", "drills", "--type", "process")
            running.enter_context(
                own.running("prefect", *worker, "--name", f"worker-{number}", "--limit", "2")
            )
        yield own


@pytest.fixture
def fleet(workers: PrefectServer, tmp_path: Path, httpserver: HTTPServer) -> Path:
    """Write 20 schedules that are overdue, and save a connector for them."""
    httpserver.expect_request("/hook", method="POST").respond_with_data("taken")
    config = tmp_path / "connectors.json"
    config.write_text(json.dumps({"connectors": {"webhook": {"url": httpserver.url_for("/hook")}}}))
    workers.drills("connectors", "import", str(config))
    path = tmp_path / "fleet.jsonl"
    with path.open("w") as file:
        for number in range(COUNT):
            schedule = {
                **SCHEDULE,
                "schedule_id": f"{tmp_path.name}-{number}",
                "next_due_at": "2026-01-01T09:00:00Z",
                "owners": ["payments-team"],
                "notification_providers": ["webhook"],
            }
            file.write(json.dumps(schedule) + "\n")
    return path


def check(server: PrefectServer, fleet: Path) -> dict[str, Any]:
    return run_deployment(server, "drill-check", {"schedule": str(fleet), "provider": "webhook"})


def database_of(server: PrefectServer) -> Database:
    return Database.at(server.environ["DRILLS_DATABASE_URL"])


def read_runs(server: PrefectServer, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    with suppress(httpx.HTTPError, ValueError):
        found: Any = httpx.post(
            f"{server.api}/flow_runs/filter", json={"flow_runs": wanted, "sort": "START_TIME_DESC"}
        ).json()
        return found if isinstance(found, list) else []
    return []


def shards_of(server: PrefectServer, run: dict[str, Any]) -> list[dict[str, Any]]:
    return read_runs(server, {"parent_flow_run_id": {"any_": [run["id"]]}})


def kill_process_of(flow_run_id: str) -> bool:
    """Kill the process of a flow run, which a worker of this test has started; tell whether there was one."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if f"PREFECT__FLOW_RUN_ID={flow_run_id}".encode() in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
                return True
    return False


def notified(httpserver: HTTPServer) -> Counter[str]:
    """Return how often each schedule was told of, without what says that it may be a repeat."""
    bodies = (request.get_json() for request, _ in httpserver.log)
    return Counter(each["schedule_id"] for each in bodies if not each.get("may_repeat"))


def test_a_check_asks_the_pool_for_a_run_of_each_shard(
    workers: PrefectServer, fleet: Path, httpserver: HTTPServer
) -> None:
    run = check(workers, fleet)

    assert run["state"]["name"] == "NeedsAttention", run["state"]["message"]
    assert run["state"]["message"] == (
        "all 20 need attention; 20 of 20 changed; 4 shards; notifications delivered: 20"
    )
    shards = shards_of(workers, run)
    assert sorted(each["name"].partition(":")[0] for each in shards) == [
        "shard 1/4",
        "shard 2/4",
        "shard 3/4",
        "shard 4/4",
    ]
    assert all(each["deployment_id"] not in (None, run["deployment_id"]) for each in shards)
    assert notified(httpserver) == {f"{fleet.parent.name}-{number}": 1 for number in range(COUNT)}
    database = database_of(workers)
    (recorded,) = records(database, CHECK_KIND)
    assert recorded["flow_run_id"] == run["id"]
    assert len(records(database, PLAN_KIND)) == COUNT
    assert verify(database).is_intact


def test_a_shard_that_is_killed_is_repeated_alone(
    workers: PrefectServer, fleet: Path, httpserver: HTTPServer
) -> None:
    killed: list[str] = []

    def kill_one(request: Any) -> Any:
        running = read_runs(workers, {"state": {"name": {"any_": ["Running"]}}, "name": {"like_": "shard "}})
        if not killed and running and kill_process_of(running[0]["id"]):
            killed.append(running[0]["id"])
        return Response("taken")

    httpserver.clear()
    httpserver.expect_request("/hook", method="POST").respond_with_handler(kill_one)

    first = check(workers, fleet)
    second = check(workers, fleet)

    assert killed
    assert len(shards_of(workers, first)) == 5
    states = Counter(each["state_type"] for each in shards_of(workers, first))
    assert states["CRASHED"] == 1
    assert second["state"]["type"] in ("COMPLETED", "FAILED")
    assert max(notified(httpserver).values()) == 1
    database = database_of(workers)
    checks = [each for each in records(database, CHECK_KIND) if each["watched"] == str(fleet)]
    assert [(each["schedule_count"], each["changed_count"]) for each in checks] == [(20, 20), (20, 0)]
    assert verify(database).is_intact


def test_the_next_check_goes_on_after_one_that_was_killed(
    workers: PrefectServer, fleet: Path, httpserver: HTTPServer
) -> None:
    database = database_of(workers)
    database.prepare()
    before = len(records(database, CHECK_KIND))

    def kill_check(request: Any) -> Any:
        running = read_runs(workers, {"state": {"name": {"any_": ["Running"]}}})
        checks = [each for each in running if not each["name"].startswith("shard ")]
        if not killed and checks and kill_process_of(checks[0]["id"]):
            killed.append(checks[0]["id"])
        return Response("taken")

    killed: list[str] = []
    httpserver.clear()
    httpserver.expect_request("/hook", method="POST").respond_with_handler(kill_check)

    first = check(workers, fleet)
    second = check(workers, fleet)

    assert killed == [first["id"]]
    assert first["state_type"] == "CRASHED"
    assert second["state"]["name"] == "NeedsAttention", second["state"]["message"]
    assert notified(httpserver) == {f"{fleet.parent.name}-{number}": 1 for number in range(COUNT)}
    recorded = records(database, CHECK_KIND)[before:]
    assert [(each["schedule_count"], each["changed_count"]) for each in recorded] == [(20, 20)]
    plans = Counter(each["schedule_id"] for each in records(database, PLAN_KIND))
    assert max(plans[f"{fleet.parent.name}-{number}"] for number in range(COUNT)) <= 2
    assert verify(database).is_intact
    with database.read() as connection:
        assert connection.execute(CHECK_SHARDS.select()).all() == []
