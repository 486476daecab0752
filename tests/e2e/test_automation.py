"""The automations that ship, on a real server: they hear of our events and tell another channel."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.settings import PREFECT_API_URL, temporary_settings
from pytest_httpserver import HTTPServer

from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, wait_until
from tests.e2e.test_deployments import SCHEDULE

_PATIENCE_SECONDS = 120  # on a busy machine
FILE = ROOT / "deployments/automations/tell-the-platform-team.yaml"
RUN_EACH = """
import sys
from flows.deliver_notifications import deliver_notifications
for line in sys.stdin:
    print(deliver_notifications(schedule=line.strip(), return_state=True).name, flush=True)
"""


def create_automations(server: PrefectServer, url: str, folder: Path) -> list[str]:
    """Save a block that posts to a URL, put its id into the file, and give the ids of what that creates."""
    message = {"subject": "{{subject}}", "text": "{{body}}"}
    block = CustomWebhookNotificationBlock(name="platform-team", url=url, json_data=message)
    with temporary_settings({PREFECT_API_URL: server.api}):
        block_id = block.save("platform-team")
    file = folder / FILE.name
    file.write_text(FILE.read_text().replace("BLOCK_DOCUMENT_ID", str(block_id)))
    created = server.run("prefect", "automation", "create", "--from-file", str(file))
    return re.findall(r"with id\s+([0-9a-f-]{36})", created)


@pytest.fixture
def automations(server: PrefectServer, httpserver: HTTPServer, tmp_path: Path) -> Iterator[None]:
    """Create the automations as docs/audit-trail.md says, with the receiver as the other channel."""
    identifiers = create_automations(server, httpserver.url_for("/platform"), tmp_path)
    assert len(identifiers) == 2
    yield
    for identifier in identifiers:
        server.ask("DELETE", f"/automations/{identifier}")


@pytest.fixture
def run_flow(server: PrefectServer) -> Iterator[Callable[[Path], str]]:
    """Run the on-demand flow in one process, with evidence that other tests do not see; return its state."""
    environ = {**server.environ, "DRILLS_DATABASE_URL": f"sqlite:///{server.home / 'automated.db'}"}
    with (
        (server.home / "automated.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-c", RUN_EACH],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        read, write = process.stdout, process.stdin
        assert read
        assert write

        def run(schedules: Path) -> str:
            write.write(f"{schedules}\n")
            write.flush()
            return read.readline().strip()

        yield run
        write.close()  # it ends by itself


@pytest.mark.usefixtures("automations")
def test_the_platform_team_hears_once_of_a_dead_notification_and_of_each_schedule_in_need(
    server: PrefectServer, run_flow: Callable[[Path], str], tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/platform").respond_with_data("")
    httpserver.expect_request("/refuses").respond_with_data("unknown channel", status=400)
    config = tmp_path / "connectors.json"
    config.write_text(json.dumps({"connectors": {"refusing": {"url": httpserver.url_for("/refuses")}}}))
    server.drills("connectors", "import", str(config))
    folder = tmp_path / "schedules"
    folder.mkdir()

    def write(schedule_id: str) -> None:
        document = {**SCHEDULE, "schedule_id": schedule_id, "notification_providers": ["refusing"]}
        (folder / f"{schedule_id}.json").write_text(json.dumps(document))

    def notified(count: int) -> list[dict[str, str]]:
        def messages() -> list[dict[str, str]] | None:
            found = [each.get_json() for each, _ in httpserver.log if each.path == "/platform"]
            return found if len(found) >= count else None

        return wait_until(messages, within_seconds=180)

    write("automated-payments")
    assert run_flow(folder) == "Failed"
    first = {each["subject"]: each["text"] for each in notified(2)}

    assert set(first) == {
        "Rollback drills: refusing did not take a notification",
        "Rollback drill needs attention: automated-payments",
    }
    died = first["Rollback drills: refusing did not take a notification"]
    assert re.search("payments-team was not told through refusing: .*unknown channel", died)
    assert re.search("drills outbox replay gordmsg-[0-9a-f]{16}$", died)
    assert first["Rollback drill needs attention: automated-payments"].endswith("owners: payments-team.")

    for schedule_id in ("automated-search", "automated-ledger"):
        write(schedule_id)
        assert run_flow(folder) == "Failed"
        notified(3 if schedule_id == "automated-search" else 4)

    # Neither of them notified again about the first schedule, nor of what died within the same hour.
    assert [each["subject"].rpartition(": ")[2] for each in notified(4)[2:]] == [
        *("automated-search", "automated-ledger")
    ]


@pytest.fixture
def applied(server: PrefectServer, httpserver: HTTPServer, tmp_path: Path) -> Iterator[None]:
    """Apply the automations that ship, with one of our connectors as the block that they notify through."""
    config = tmp_path / "connectors.json"
    config.write_text(json.dumps({"connectors": {"watch": {"url": httpserver.url_for("/watch")}}}))
    server.drills("connectors", "import", str(config))
    before = {each["id"] for each in server.ask("POST", "/automations/filter", {})}
    server.drills("automations", "apply", "--notify", "watch")
    yield
    for each in server.ask("POST", "/automations/filter", {}):
        if each["id"] not in before:
            server.ask("DELETE", f"/automations/{each['id']}")


@pytest.mark.skipif(
    not entry_points(group="prefect.collections", name="rollback_drills"),
    reason="installed by an earlier version: pip install -e . again, so that the server finds our blocks",
)
@pytest.mark.usefixtures("applied")
def test_an_automation_of_prefect_notifies_through_one_of_our_connectors(
    server: PrefectServer, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/watch").respond_with_data("")
    event = {
        "event": "cavra.go_backend.rollback_drill.gate.blocked",
        "resource": {"prefect.resource.id": "rollback-drills.gate.payments"},
        "payload": {"message": "the rollback is not ready: payments is overdue"},
    }

    def arrived() -> dict[str, Any] | None:
        found = [each.get_json() for each, _ in httpserver.log if each.path == "/watch"]
        return found[0] if found else None

    def send() -> dict[str, Any] | None:
        # the triggers of new automations are loaded in the background: an event may come too early
        events = [{**event, "id": str(uuid4()), "occurred": datetime.now(UTC).isoformat()}]
        server.ask("POST", "/events", events)
        with suppress(AssertionError):
            return wait_until(arrived, within_seconds=10)
        return None

    message = wait_until(send, within_seconds=_PATIENCE_SECONDS)

    assert message["title"] == "Rollback drills: a release is blocked"
    assert message["message"] == "the rollback is not ready: payments is overdue"
    assert message["event_type"] == "cavra.go_backend.rollback_drill.automation"
