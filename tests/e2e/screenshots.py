"""Takes the pictures of docs/audit-trail.md, with Chromium and ImageMagick."""

import html
import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from pytest_httpserver import HTTPServer
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, run_deployment, wait_until
from tests.e2e.test_automation import create_automations

IMAGES: Final = ROOT / "docs/images"
SITE: Final = "http://127.0.0.1:4200"
FLEET: Final = "examples/fleet"
PAYMENTS: Final = {
    "schedule": f"{FLEET}/payments-schedule.json",
    "history": f"{FLEET}/payments-history.json",
}
DOWN: Final = "http://127.0.0.1:9"  # nobody listens there
DEBUGGER: Final = "http://127.0.0.1:9222"
CHROMIUM: Final = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--lang=en-GB", "--remote-debugging-port=9222"),
)


@contextmanager
def installation(home: Path) -> Iterator[PrefectServer]:
    """Start a Prefect server on its usual port, and serve all flows."""
    environ = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "CAVRA_", "DRILLS_"))
        },
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{SITE}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "DRILLS_DATABASE_URL": f"sqlite:///{home / 'evidence.db'}",
        "DRILLS_MODE": "promoted",
        "DRILLS_SCHEDULE": FLEET,
    }
    server = PrefectServer(f"{SITE}/api", environ, home)
    port = SITE.rpartition(":")[2]
    with server.running("prefect", "server", "start", "--host", "127.0.0.1", "--port", port):
        wait_until(lambda: answers(f"{SITE}/api/health"), within_seconds=120)
        with server.running("rollback_drills_cli.main", "serve"):
            deployed = f"{SITE}/api/deployments/name/deliver-notifications/deliver-notifications"
            wait_until(lambda: answers(deployed), within_seconds=300)
            yield server


def answers(url: str) -> bool | None:
    """Return whether a server answers; None if not yet."""
    try:
        return httpx.get(url, timeout=2).is_success or None
    except httpx.HTTPError:
        return None


def import_connectors(server: PrefectServer, webhook: str, slack: str) -> None:
    """Save both connectors that the fleet names."""
    config = server.home / "connectors.json"
    urls = {"webhook": {"url": f"{webhook}/hook"}, "slack": {"url": f"{slack}/services/T0/B0/example"}}
    config.write_text(json.dumps({"connectors": urls}))
    server.run("rollback_drills_cli.main", "connectors", "import", str(config))


def run_drills(server: PrefectServer, receiver: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Run what the pictures show, and return the run in which Slack was down, and the two after it.

    The second one tries once more, and the third only waits: it publishes no page.
    """
    check, deliver = "drill-check/drill-check", "deliver-notifications/deliver-notifications"
    import_connectors(server, receiver, receiver)
    run_deployment(server, check, {**PAYMENTS, "as_of": "2026-11-10T09:00:00Z"})
    run_deployment(server, check, {**PAYMENTS, "as_of": "2026-11-25T09:00:00Z"})
    import_connectors(server, receiver, DOWN)
    failed = run_deployment(server, check, {"schedule": FLEET, "as_of": "2026-12-01T09:00:00Z"})
    import_connectors(server, receiver, f"{receiver}/busy")
    again = {"schedule": FLEET, "as_of": "2026-12-01T09:01:00Z", "retries": 0}
    tried = run_deployment(server, check, again)
    waiting = run_deployment(server, check, {"schedule": FLEET, "as_of": "2026-12-01T09:02:00Z"})
    by_hand = {"provider": "webhook", "generated_by": "release-manager", "as_of": "2026-12-01T10:00:00Z"}
    run_deployment(server, deliver, {**PAYMENTS, **by_hand})
    return failed, tried, waiting


def write_terminal(server: PrefectServer) -> Path:
    """Write what `drills deliver` prints while something waits as a page, and return its path."""
    command = ["deliver", "--schedule", PAYMENTS["schedule"], "--history", PAYMENTS["history"]]
    done = subprocess.run(
        [sys.executable, "-m", "rollback_drills_cli.main", *command, "--now", "2026-12-01T11:00:00Z"],
        env={**server.environ, "COLUMNS": "150"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    page = server.home / "terminal.html"
    text = f"$ drills {' '.join(command)}\n{done.stdout}{done.stderr}$ echo $?\n{done.returncode}\n"
    page.write_text(
        "<meta charset=utf-8><body style='margin:16px;background:#111;color:#ddd'>"
        f"<pre style='font:14px monospace;white-space:pre-wrap'>{html.escape(text)}</pre>"
    )
    return page


def find(kind: str, **wanted: str) -> dict[str, Any]:
    """Return the first of what the API lists, that has these values."""
    listed = httpx.post(f"{SITE}/api/{kind}/filter", json={}).raise_for_status().json()
    return next(each for each in listed if wanted.items() <= each.items())


@contextmanager
def browser(home: Path) -> Iterator[Connection]:
    """Start a browser, and give the line to its one page."""
    command = [*CHROMIUM, f"--user-data-dir={home / 'browser'}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(f"{DEBUGGER}/json/version"), within_seconds=60)
            page = httpx.put(f"{DEBUGGER}/json/new?about:blank").json()
            with connect(page["webSocketDebuggerUrl"], max_size=None) as line:
                yield line
        finally:
            process.terminate()


def ask(line: Connection, method: str, **parameters: Any) -> dict[str, Any]:
    """Send the page a command, and give what it answers."""
    line.send(json.dumps({"id": 1, "method": method, "params": parameters}))
    answer: dict[str, Any] = {}
    while "id" not in answer:  # else it is an event
        answer = json.loads(line.recv(timeout=60))
    assert "error" not in answer, answer
    return dict(answer["result"])


def take(line: Connection, name: str, path: str, shows: str, width: int = 1400, height: int = 900) -> None:
    """Take a picture of a page of the UI when it shows a text, with few colours, so that it is small."""
    text = "document.body.innerText"
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    ask(line, "Emulation.setDeviceMetricsOverride", **metrics)
    ask(line, "Page.navigate", url=path if ":" in path else f"{SITE}{path}")
    wait_until(
        lambda: shows in ask(line, "Runtime.evaluate", expression=text)["result"].get("value", "") or None,
        within_seconds=60,
    )
    time.sleep(12)  # the curves and the graph come after the text
    file = IMAGES / f"{name}.png"
    file.write_bytes(b64decode(ask(line, "Page.captureScreenshot")["data"]))
    subprocess.run(["convert", file, "-strip", "-colors", "64", f"PNG8:{file}"], check=True, timeout=60)


def main() -> None:
    """Run a small fleet on a real server, and take the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        HTTPServer() as httpserver,
        installation(Path(home)) as server,
    ):
        httpserver.expect_request("/hook").respond_with_data("taken")
        httpserver.expect_request("/services/T0/B0/example").respond_with_data("ok")
        busy = {"retry-after": "3000"}
        httpserver.expect_request("/busy/services/T0/B0/example").respond_with_data(
            "later", status=429, headers=busy
        )
        httpserver.expect_request("/platform").respond_with_data("")
        receiver = f"http://127.0.0.1:{httpserver.port}"
        create_automations(server, f"{receiver}/platform", Path(home))
        failed, tried, waiting = run_drills(server, receiver)
        time.sleep(5)  # for the automations, and for what the server writes in the background
        run_id, schedule_id = failed["id"], "payments_rollback_drills_monthly"
        page = find("artifacts", flow_run_id=run_id, description=f"Readiness of {schedule_id}.")
        delivery = find("task_runs", flow_run_id=run_id, name="deliver-slack")
        by_hand = find("flow_runs", state_name="NeedsAttention")
        fleet = find("artifacts", flow_run_id=tried["id"], description="All schedules.")
        terminal = write_terminal(server)
        of_schedule = f"/events?resource=rollback-drills.schedule.{schedule_id}"
        with browser(Path(home)) as line:
            take(line, "runs", "/runs", "DueSoon", height=1150)
            take(line, "run", f"/runs/flow-run/{run_id}", "derive-due", height=1000)
            take(line, "decision", f"/artifacts/artifact/{page['id']}", "Who was notified", height=1500)
            take(line, "delivery", f"/runs/task-run/{delivery['id']}", "next attempt", height=700)
            take(line, "parameters", f"/runs/flow-run/{by_hand['id']}?tab=Parameters", "release-manager")
            take(line, "history", f"/artifacts/key/{page['key']}", "Flow run", height=700)
            take(line, "events", of_schedule, "decision.suppress")
            take(
                line,
                "waiting-run",
                f"/runs/flow-run/{waiting['id']}?tab=Details",
                "wait for slack",
                height=1100,
            )
            take(line, "waiting-page", f"/artifacts/artifact/{fleet['id']}", "Waiting", height=1200)
            take(line, "waiting-message", terminal.as_uri(), "next attempt", height=280)
            take(line, "automations", "/automations", "platform-team", height=1300)


if __name__ == "__main__":
    main()
