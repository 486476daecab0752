"""Serves the deployments from this process, with a Prefect server of its own unless one is configured."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.events import DeploymentEventTrigger

ROOT: Final = Path(__file__).resolve().parent.parent
DEPLOYMENTS: Final = ROOT / "deployments" / "prefect.yaml"
AUTOMATIONS: Final = ROOT / "deployments" / "automations" / "mark-killed-runs.yaml"
HOST: Final = "127.0.0.1"
_START_WITHIN_SECONDS: Final = 120


def main() -> None:
    """Serve until interrupted."""
    os.chdir(ROOT)  # flows are found by their path below the root
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")  # for mark-killed-runs.yaml
    from rollback_drills.variables import VARIABLES, find_variable  # is below the root

    if find_variable("schedule", os.environ) is None:
        os.environ[VARIABLES["schedule"]] = str(ROOT / "examples" / "fleet")
        print(f"{VARIABLES['schedule']} is not set: the checks read examples/fleet")
    with contextlib.suppress(KeyboardInterrupt), _server():
        create_automation()
        _serve()


@contextlib.contextmanager
def _server() -> Iterator[None]:
    """Start a Prefect server on loopback, unless PREFECT_API_URL names one."""
    if "PREFECT_API_URL" in os.environ:
        yield
        return
    port = os.environ.get("PREFECT_SERVER_API_PORT", "4200")
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", port]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    try:
        _wait_for_server(process)
        print(f"Prefect server and UI: http://{HOST}:{port}  (stop with Ctrl-C)", flush=True)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for_server(process: "subprocess.Popen[bytes]") -> None:
    from prefect.client.orchestration import get_client  # after PREFECT_API_URL is set

    with get_client(sync_client=True) as client:
        for _ in range(_START_WITHIN_SECONDS):
            if process.poll() is not None:
                sys.exit("the Prefect server did not start; is its port taken? set PREFECT_SERVER_API_PORT")
            if client.api_healthcheck() is None:
                return
            time.sleep(1)
    sys.exit(f"the Prefect server did not answer within {_START_WITHIN_SECONDS} s")


def create_automation() -> None:
    """Create the automation that marks killed runs as crashed, unless there is one of that name."""
    import yaml
    from prefect.client.orchestration import get_client
    from prefect.events.schemas.automations import AutomationCore

    for each in yaml.safe_load(AUTOMATIONS.read_text())["automations"]:
        with get_client(sync_client=True) as client:
            if not client.read_automations_by_name(each["name"]):
                client.create_automation(AutomationCore.model_validate(each))


def read_triggers(deployment: str) -> "list[DeploymentEventTrigger]":
    """Return the triggers that prefect.yaml has for a deployment."""
    import yaml
    from prefect.events import DeploymentEventTrigger

    known = yaml.safe_load(DEPLOYMENTS.read_text())["deployments"]
    found = next(each for each in known if each["name"] == deployment)
    return [DeploymentEventTrigger.model_validate(each) for each in found.get("triggers", ())]


def find_deployments() -> "list[RunnerDeployment]":
    """Return the deployments of prefect.yaml, for this process."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron

    from flows.acknowledge_notification import acknowledge_notification
    from flows.alarm_path_drill import alarm_path_drill
    from flows.approve_replay import approve_replay
    from flows.decide_exception import decide_exception
    from flows.deliver_audit_package import deliver_audit_package
    from flows.deliver_notifications import deliver_notifications
    from flows.drill_check import drill_check
    from flows.escalate_unacknowledged import escalate_unacknowledged
    from flows.execute_replay import execute_replay
    from flows.grant_exception import grant_exception
    from flows.look_ahead import look_ahead
    from flows.record_drill import record_drill
    from flows.release_gate import release_gate
    from flows.replay_notifications import replay_notifications
    from flows.request_exception import request_exception
    from flows.request_replay import request_replay
    from flows.retire_schedule import retire_schedule
    from flows.review_notifications import review_notifications

    # Late is harmless, dropped is not: see prefect.yaml.
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    recurring = (
        (drill_check, Cron("0 7-19 * * *", timezone="Europe/Berlin"), one_at_a_time),
        (escalate_unacknowledged, Cron("*/15 * * * *", timezone="UTC"), one_at_a_time),
        (alarm_path_drill, Cron("0 9 1-7 * 2", timezone="Europe/Berlin", day_or=False), one_at_a_time),
        (deliver_audit_package, Cron("0 6 1 * *", timezone="Europe/Berlin"), one_at_a_time),
        (look_ahead, Cron("0 7 * * 1", timezone="Europe/Berlin"), one_at_a_time),
        (review_notifications, Cron("0 6 * * 1", timezone="Europe/Berlin"), None),
    )
    on_demand = (
        deliver_notifications,
        release_gate,
        acknowledge_notification,
        grant_exception,
        retire_schedule,
        request_exception,
        decide_exception,
        replay_notifications,
        request_replay,
        approve_replay,
        execute_replay,
    )
    made = [
        *(
            flow.to_deployment(
                name=flow.name, schedules=[cron], concurrency_limit=limit, tags=["rollback-drills"]
            )
            for flow, cron, limit in recurring
        ),
        drill_check.to_deployment(name="check-shard", tags=["rollback-drills"]),
        record_drill.to_deployment(
            name=record_drill.name, triggers=[*read_triggers("record-drill")], tags=["rollback-drills"]
        ),
        *(flow.to_deployment(name=flow.name, tags=["rollback-drills"]) for flow in on_demand),
    ]
    # Without an event loop Prefect gives the deployments themselves, not coroutines.
    return [each for each in made if isinstance(each, RunnerDeployment)]


def _serve() -> None:
    from prefect import serve

    serve(*find_deployments(), pause_on_shutdown=False)  # a restart must not silently leave the schedules off


if __name__ == "__main__":
    main()
