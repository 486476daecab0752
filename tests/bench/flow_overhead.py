"""A warm drill-check run of a healthy schedule, against an empty flow with as many tasks."""

import json
import logging
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from tests.bench.figures import alternate, print_figure

RUNS = 20
TASKS = 9  # of a healthy schedule nobody is told, so there is no task of a provider


def report() -> None:
    """Print `flow_overhead_ratio`."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    from flows.drill_check import drill_check

    logging.getLogger("prefect").setLevel(logging.CRITICAL)

    @task(cache_policy=NO_CACHE)
    def nothing() -> None:
        pass

    @flow
    def empty() -> None:
        for _ in range(TASKS):
            nothing()

    # With heartbeats every flow run ends on a full second, which would hide what is measured here.
    no_heartbeats = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    server = prefect_test_harness(server_startup_timeout=120)
    with tempfile.TemporaryDirectory() as folder, server, no_heartbeats:
        os.environ["DRILLS_DATABASE_URL"] = f"sqlite:///{folder}/evidence.db"
        path = Path(folder) / "schedule.json"
        path.write_text(json.dumps(_healthy()))

        def check() -> None:
            state = drill_check(schedule=str(path), return_state=True)
            assert state.name == "Ready", state
            runs.append(state.state_details.flow_run_id)

        runs: list[UUID | None] = []
        ours, baseline = alternate(check, empty, RUNS)
        assert _count_tasks(runs[0]) == TASKS, "the two flows are not of the same size"
    what = f"drill-check of an unchanged schedule / an empty flow, {TASKS} tasks each, same server"
    print_figure("flow_overhead_ratio", ours, baseline, at_most=1.15, runs=RUNS, what=what)


def _count_tasks(flow_run_id: UUID | None) -> int:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    assert flow_run_id
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
    with get_client(sync_client=True) as client:
        return len(client.read_task_runs(flow_run_filter=wanted))


def _healthy() -> dict[str, object]:
    return {
        "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
        "schedule_id": "payments",
        "environment": "production",
        "status": "active",
        "interval_days": 30,
        "next_due_at": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        "owners": ["payments-team"],
        "notification_providers": ["webhook"],
        "runbook_ref": "docs/runbook.md",
    }
