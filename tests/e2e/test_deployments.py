"""The deployments on a real server with a process worker, as an operator sets them up."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentScheduleUpdate
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from pytest_httpserver import HTTPServer

from deployments.shipped import read_deployments
from rollback_drills.evidence.record_kinds import DELIVERY_KIND, PLAN_KIND
from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, run_deployment, wait_until

SCHEDULE = {
    "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
    "schedule_id": "payments",
    "environment": "production",
    "status": "active",
    "interval_days": 30,
    "next_due_at": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
    "owners": ["payments-team"],
    "notification_providers": ["webhook"],
    "runbook_ref": "docs/runbook.md",
}


DEPLOYMENTS = {
    each["name"]: each
    for each in yaml.safe_load((ROOT / "deployments/prefect.yaml").read_text())["deployments"]
}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_entrypoint_imports_and_its_parameters_are_described(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # a module, wherever a worker runs
    entrypoint = DEPLOYMENTS[name]["entrypoint"]

    flow: Flow[Any, Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)

    assert flow.name == {"check-shard": "drill-check"}.get(name, name)
    properties = parameter_schema(flow).model_dump()["properties"]
    assert [each for each, says in properties.items() if not says.get("description")] == []


def written_schedule(
    made: DeploymentScheduleCreate | DeploymentScheduleUpdate,
) -> tuple[str, str | None, bool | None]:
    assert isinstance(made.schedule, CronSchedule)
    return made.schedule.cron, made.schedule.timezone, made.active


@pytest.mark.parametrize("work_pool", [None, "elsewhere"])
def test_what_is_deployed_and_what_is_served_is_what_the_file_says(work_pool: str | None) -> None:
    made = read_deployments(work_pool)

    assert {
        each.name: (
            each.entrypoint,
            each.description,
            [written_schedule(some) for some in each.schedules or []],
            each.concurrency_limit,
            len(each.triggers),
        )
        for each in made
    } == {
        name: (
            each["entrypoint"],
            each["description"],
            [(some["cron"], some["timezone"], some["active"]) for some in each.get("schedules", [])],
            each.get("concurrency_limit", {}).get("limit"),
            len(each.get("triggers", ())),
        )
        for name, each in DEPLOYMENTS.items()
    }
    assert {each.work_pool_name for each in made} == {work_pool}
    assert {bool(each.job_variables) for each in made} == {work_pool is not None}


def test_the_automation_for_killed_runs_watches_every_deployment_and_gets_its_heartbeats() -> None:
    folder = ROOT / "deployments"
    (automation,) = yaml.safe_load((folder / "automations/mark-killed-runs.yaml").read_text())["automations"]
    definitions = yaml.safe_load((folder / "prefect.yaml").read_text())["definitions"]

    tag = automation["trigger"]["match_related"]["prefect.resource.id"].removeprefix("prefect.tag.")
    assert all(tag in each["tags"] for each in DEPLOYMENTS.values())
    environ = definitions["work_pools"]["drills"]["job_variables"]["env"]
    assert 3 * int(environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) <= automation["trigger"]["within"]


def records_of(server: PrefectServer, run: dict[str, Any], schedule_id: str) -> dict[str, dict[str, Any]]:
    """Return the records of one run, by kind: the follow-up that is scheduled meanwhile writes others."""
    listed = json.loads(server.drills("evidence", "list", "--schedule", schedule_id, "--json"))
    return {
        record["metadata_kind"]: record for record in listed["items"] if record["flow_run_id"] == run["id"]
    }


@pytest.mark.usefixtures("worker")
def test_an_on_demand_run_delivers_and_leaves_evidence_and_artifacts(
    server: PrefectServer, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("taken", status=200)
    config = tmp_path / "connectors.json"
    config.write_text(json.dumps({"connectors": {"webhook": {"url": httpserver.url_for("/hook")}}}))
    server.drills("connectors", "import", str(config))
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))

    run = run_deployment(
        server,
        "deliver-notifications",
        {"schedule": str(tmp_path / "schedule.json"), "provider": "webhook", "generated_by": "e2e"},
    )

    assert run["state_type"] == "COMPLETED", run["state"]
    assert run["state"]["name"] == "NeedsAttention"
    assert run["name"] == "payments needs attention; changed"
    assert {"schedule:payments", "environment:production", "status:needs_attention"} <= set(run["tags"])
    (request, _) = httpserver.log[0]
    assert request.get_json()["schedule_id"] == "payments"
    assert request.headers["webhook-id"].startswith("gordmsg-")

    records = records_of(server, run, "payments")
    assert {PLAN_KIND, DELIVERY_KIND} <= set(records)
    assert {record["signer"] for record in records.values()} == {"e2e"}

    artifacts = server.ask("POST", "/artifacts/filter", {})
    of_run = {each["key"]: each for each in artifacts if each["flow_run_id"] == run["id"]}
    assert of_run["rollback-drill-payments"]["type"] == "markdown"
    tasks = server.ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert {
        *("load-documents", "derive-due", "classify-readiness", "route-owners", "apply-windows"),
        *("build-plans", "commit-notifications", "deliver-webhook", "index-evidence", "publish-artifacts"),
    } == {task["name"] for task in tasks}
    (tags,) = [set(task["tags"]) for task in tasks if task["name"] == "deliver-webhook"]
    assert tags == {"schedule:payments", "environment:production", "status:needs_attention"}


@pytest.mark.chaos  # two runs more on one worker; those in process are in tests/flows/test_shards.py
@pytest.mark.usefixtures("worker")
def test_a_check_asks_the_pool_for_a_run_of_each_shard(
    server: PrefectServer, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("taken")
    config = tmp_path / "connectors.json"
    config.write_text(json.dumps({"connectors": {"webhook": {"url": httpserver.url_for("/hook")}}}))
    server.drills("connectors", "import", str(config))
    fleet = tmp_path / "fleet.jsonl"
    names = [f"of-a-shard-{number}" for number in range(3)]
    fleet.write_text("\n".join(json.dumps({**SCHEDULE, "schedule_id": name}) for name in names))

    run = run_deployment(server, "drill-check", {"schedule": str(fleet), "provider": "webhook"})

    assert run["state"]["message"] == (
        "all 3 need attention; 3 of 3 changed; 2 shards; notifications delivered: 3"
    )
    wanted = {"flow_runs": {"parent_flow_run_id": {"any_": [run["id"]]}}}
    shards = server.ask("POST", "/flow_runs/filter", wanted)
    assert sorted(each["name"].partition(":")[0] for each in shards) == ["shard 1/2", "shard 2/2"]
    assert all(each["deployment_id"] not in (None, run["deployment_id"]) for each in shards)
    assert sorted(request.get_json()["schedule_id"] for request, _ in httpserver.log) == names


def read_log(server: PrefectServer, run: dict[str, Any]) -> str | None:
    """Return the log of a run that failed; None until all of it is there."""
    wanted = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
    log = "\n".join(each["message"] for each in server.ask("POST", "/logs/filter", wanted))
    return log if run["state"]["message"] in log else None


@pytest.mark.chaos
@pytest.mark.usefixtures("worker")
def test_a_receiver_that_is_down_fails_the_run_and_is_named(server: PrefectServer, tmp_path: Path) -> None:
    config = tmp_path / "connectors.json"
    config.write_text(json.dumps({"connectors": {"down": {"url": "http://127.0.0.1:9/hook"}}}))
    server.drills("connectors", "import", str(config))
    schedule = {**SCHEDULE, "schedule_id": "search", "notification_providers": ["down"]}
    (tmp_path / "schedule.json").write_text(json.dumps(schedule))

    run = run_deployment(
        server, "deliver-notifications", {"schedule": str(tmp_path / "schedule.json"), "retries": 1}
    )

    assert run["state_type"] == "FAILED"
    assert run["state"]["message"].startswith("could not deliver through down (retry:")
    delivery = records_of(server, run, "search")[DELIVERY_KIND]
    assert delivery["failed_providers"] == ["down"]
    assert delivery["attempt_count"] == 2
    log = wait_until(lambda: read_log(server, run), within_seconds=120)
    assert not [each for each in ("Traceback", "NoneType", "unexpected") if each in log], log


@pytest.mark.chaos
@pytest.mark.usefixtures("worker")
def test_a_gate_on_a_worker_fails_for_a_late_drill_and_completes_for_one_in_time(
    server: PrefectServer, tmp_path: Path
) -> None:
    in_time = {**SCHEDULE, "next_due_at": (datetime.now(UTC) + timedelta(days=30)).isoformat()}
    ended = []
    for name, schedule in (("late", SCHEDULE), ("early", in_time)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(schedule))
        ended.append(run_deployment(server, "release-gate", {"schedule": str(path)}))

    assert [run["state_type"] for run in ended] == ["FAILED", "COMPLETED"]
    assert [run["state"]["name"] for run in ended] == ["Blocked", "Ready"]
    assert "rollback drill schedule of payments" in ended[0]["state"]["message"]


@pytest.mark.chaos
@pytest.mark.usefixtures("worker")
def test_a_drill_is_recorded_on_a_worker_from_what_the_form_sends(
    server: PrefectServer, tmp_path: Path
) -> None:
    schedule = {**SCHEDULE, "schedule_id": "ledger", "due_policy": "after_completion"}
    (tmp_path / "schedule.json").write_text(json.dumps(schedule))
    executed_at = datetime.now(UTC) - timedelta(hours=1)

    run = run_deployment(
        server,
        "record-drill",
        {
            "schedule": str(tmp_path / "schedule.json"),
            "history": str(tmp_path / "history.json"),
            "create": True,
            "status": "pass",
            "fallback_verified": True,
            "recovery_minutes": 7,
            "max_recovery_minutes": 15,
            "evidence_refs": ["go-rollback-drill://ci/run-1"],
            "executed_at": executed_at.isoformat(),
            "further": {"participants": [{"name": "team-a", "role": "lead"}]},
        },
    )

    assert run["state"]["name"] == "Ready", run["state"]
    assert "is recorded and accepted" in run["state"]["message"]
    (drill,) = json.loads((tmp_path / "history.json").read_text())["drills"]
    assert drill["executed_at"] == executed_at.isoformat()
    assert drill["participants"] == [{"name": "team-a", "role": "lead"}]


@pytest.mark.usefixtures("worker")
def test_the_recurring_deployment_is_scheduled_in_its_time_zone_one_run_at_a_time(
    server: PrefectServer,
) -> None:
    found = server.ask("GET", "/deployments/name/drill-check/drill-check")

    (schedule,) = found["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["timezone"] == "Europe/Berlin"
    assert found["global_concurrency_limit"]["limit"] == 1
    assert found["concurrency_options"]["collision_strategy"] == "ENQUEUE"

    def scheduled() -> list[dict[str, Any]] | None:
        wanted = {
            "flow_runs": {
                "deployment_id": {"any_": [found["id"]]},
                "state": {"type": {"any_": ["SCHEDULED"]}},
            }
        }
        return server.ask("POST", "/flow_runs/filter", wanted) or None

    starts = [run["expected_start_time"] for run in wait_until(scheduled, within_seconds=300)]
    zone = ZoneInfo("Europe/Berlin")
    assert {datetime.fromisoformat(start).astimezone(zone).hour for start in starts} <= set(range(7, 20))

    properties = found["parameter_openapi_schema"]["properties"]
    assert all(each.get("description") for each in properties.values())


@pytest.mark.usefixtures("worker")
def test_the_follow_up_is_scheduled_around_the_clock_one_run_at_a_time(server: PrefectServer) -> None:
    name = "escalate-unacknowledged"
    found = server.ask("GET", f"/deployments/name/{name}/{name}")

    (schedule,) = found["schedules"]
    assert (schedule["active"], schedule["schedule"]["cron"]) == (True, "*/15 * * * *")
    assert found["global_concurrency_limit"]["limit"] == 1
    assert found["concurrency_options"]["collision_strategy"] == "ENQUEUE"
