"""The automations that ship, on a real server: they hear of our events and tell another channel."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, run_deployment, wait_until
from tests.e2e.test_deployments import SCHEDULE

FILE = ROOT / "deployments/automations/tell-the-platform-team.yaml"
SAVE_BLOCK = """
from prefect.blocks.notifications import CustomWebhookNotificationBlock

message = {"subject": "{{subject}}", "text": "{{body}}"}
CustomWebhookNotificationBlock(name="platform-team", url="URL", json_data=message).save("platform-team")
"""
DEPLOYMENT = "deliver-notifications/served"


def create_automations(server: PrefectServer, url: str, folder: Path) -> list[str]:
    """Save a block that posts to a URL, put its id into the file, and give the ids of what that creates."""
    script = SAVE_BLOCK.replace("URL", url)
    subprocess.run([sys.executable, "-c", script], env=server.environ, cwd=ROOT, check=True, timeout=120)
    listed = json.loads(server.run("prefect", "block", "ls", "--output", "json"))
    (block,) = [each["id"] for each in listed if each["name"] == "platform-team"]
    file = folder / FILE.name
    file.write_text(FILE.read_text().replace("BLOCK_DOCUMENT_ID", block))
    created = server.run("prefect", "automation", "create", "--from-file", str(file))
    return re.findall(r"with id\s+([0-9a-f-]{36})", created)


@pytest.fixture
def automations(server: PrefectServer, httpserver: HTTPServer, tmp_path: Path) -> Iterator[None]:
    """Create the automations as docs/audit-trail.md says, with the receiver as the other channel."""
    identifiers = create_automations(server, httpserver.url_for("/platform"), tmp_path)
    assert len(identifiers) == 2
    yield
    for identifier in identifiers:
        server.run("prefect", "automation", "delete", "--id", identifier)


@pytest.fixture
def served(server: PrefectServer) -> Iterator[None]:
    """Serve the on-demand flow from a process of its own, with evidence that other tests do not see."""
    settings = {
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "DRILLS_DATABASE_URL": f"sqlite:///{server.home / 'automated.db'}",
    }
    quick = dataclasses.replace(server, environ={**server.environ, **settings})
    flow = "flows/deliver_notifications.py:deliver_notifications"
    with quick.running("prefect", "flow", "serve", flow, "--name", DEPLOYMENT.split("/")[1]):
        yield


@pytest.mark.usefixtures("automations", "served")
def test_the_platform_team_hears_once_of_a_dead_notification_and_of_each_schedule_in_need(
    server: PrefectServer, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/platform").respond_with_data("")
    httpserver.expect_request("/refuses").respond_with_data("unknown channel", status=400)
    config = tmp_path / "connectors.json"
    config.write_text(json.dumps({"connectors": {"refusing": {"url": httpserver.url_for("/refuses")}}}))
    server.run("rollback_drills_cli.main", "connectors", "import", str(config))
    folder = tmp_path / "schedules"
    folder.mkdir()

    def write(schedule_id: str) -> None:
        document = {**SCHEDULE, "schedule_id": schedule_id, "notification_providers": ["refusing"]}
        (folder / f"{schedule_id}.json").write_text(json.dumps(document))

    def told(count: int) -> list[dict[str, str]]:
        def messages() -> list[dict[str, str]] | None:
            found = [each.get_json() for each, _ in httpserver.log if each.path == "/platform"]
            return found if len(found) >= count else None

        return wait_until(messages, within_seconds=30)

    def run() -> Any:
        return run_deployment(server, DEPLOYMENT, {"schedule": str(folder)})["state_name"]

    write("automated-payments")
    assert run() == "Failed"
    first = {each["subject"]: each["text"] for each in told(2)}

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
        assert run() == "Failed"
        told(3 if schedule_id == "automated-search" else 4)

    # Neither of them told again of the first schedule, nor of what died within the same hour.
    assert [each["subject"].rpartition(": ")[2] for each in told(4)[2:]] == [
        *("automated-search", "automated-ledger")
    ]
