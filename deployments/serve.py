"""Serves the deployments from this process, with a Prefect server of its own unless one is configured."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "127.0.0.1"
_START_WITHIN_SECONDS: Final = 120


def main() -> None:
    """Serve until interrupted."""
    os.chdir(ROOT)  # flows are found by their path below the root
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    if "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE" not in os.environ:
        os.environ["CAVRA_GO_ROLLBACK_DRILL_SCHEDULE"] = str(ROOT / "examples" / "fleet")
        print("CAVRA_GO_ROLLBACK_DRILL_SCHEDULE is not set: the checks read examples/fleet")
    with contextlib.suppress(KeyboardInterrupt), _server():
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


def _serve() -> None:
    from prefect import serve
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron

    from flows.deliver_notifications import deliver_notifications
    from flows.drill_check import drill_check
    from flows.record_drill import record_drill
    from flows.release_gate import release_gate
    from flows.review_notifications import review_notifications

    # Late is harmless, dropped is not: see prefect.yaml.
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    check = drill_check.to_deployment(
        name="drill-check",
        schedules=[Cron("0 7-19 * * *", timezone="Europe/Berlin")],
        concurrency_limit=one_at_a_time,
        tags=["rollback-drills"],
    )
    deliver = deliver_notifications.to_deployment(name="deliver-notifications", tags=["rollback-drills"])
    record = record_drill.to_deployment(name="record-drill", tags=["rollback-drills"])
    gate = release_gate.to_deployment(name="release-gate", tags=["rollback-drills"])
    review = review_notifications.to_deployment(
        name="review-notifications",
        schedules=[Cron("0 6 * * 1", timezone="Europe/Berlin")],
        tags=["rollback-drills"],
    )
    # Without an event loop Prefect gives the deployments themselves, not coroutines.
    deployments = [
        each for each in (check, deliver, record, gate, review) if isinstance(each, RunnerDeployment)
    ]
    serve(*deployments, pause_on_shutdown=False)  # a restart must not silently leave the schedules off


if __name__ == "__main__":
    main()
