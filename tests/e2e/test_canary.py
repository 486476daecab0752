"""A canary in every secret of every connector, a receiver that tells all it got, and a search for them."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.e2e.conftest import ROOT

PLAIN = ("discord", "mattermost")  # whose keys hold letters and digits only
CANARIES = {
    name: f"cAnary{index:02d}{name}9f27Zx4Qk81LmVw"
    if name in PLAIN
    else f"cAnary{index:02d}+{name}/9f27Zx4Qk81LmVw"
    for index, name in enumerate(
        (
            *("webhook-path", "webhook-query", "webhook-token", "webhook-key", "webhook-header", "slack"),
            *(
                "teams",
                "jira",
                "servicenow-password",
                "servicenow-token",
                "servicenow-key",
                "pagerduty",
                "jsm",
            ),
            *("splunk", "sentinel", "datadog", "discord", "mattermost", "chat-key", "chat-token", "github"),
            *("slack-bot", "email", "apprise"),
        )
    )
}
SIGNING = b64encode(b"cAnary signing secret 81LmVw 9f27Zx").decode()


def connectors(address: str) -> dict[str, object]:
    """Write a connector for each way to hold a secret."""
    c = {name: quote(value, safe="") for name, value in CANARIES.items()}
    snow = {"type": "servicenow", "url": address}
    return {
        "webhook": {
            "url": f"{address}/hook/{c['webhook-path']}?sig={c['webhook-query']}",
            "token": CANARIES["webhook-token"],
            "api_key": CANARIES["webhook-key"],
            "headers": {"x-extra": CANARIES["webhook-header"]},
            "signing_secret": f"whsec_{SIGNING}",
        },
        "slack": {"url": f"{address}/services/T0/B0/{c['slack']}"},
        "teams": {"url": f"{address}/workflows/1/triggers/manual/paths/invoke?sig={c['teams']}"},
        "jira": {
            "url": address,
            "email": "drills@example.invalid",
            "token": CANARIES["jira"],
            "project": "OPS",
            "deployment": "cloud",
        },
        "sn-basic": {**snow, "user": "drills", "password": CANARIES["servicenow-password"]},
        "sn-token": {**snow, "token": CANARIES["servicenow-token"]},
        "sn-key": {**snow, "api_key": CANARIES["servicenow-key"]},
        "pagerduty": {"type": "pagerduty", "routing_key": CANARIES["pagerduty"], "api_url": address},
        "jsm": {"type": "jsm", "api_key": CANARIES["jsm"], "api_url": address},
        "splunk": {"type": "splunk", "token": CANARIES["splunk"], "collector_url": address},
        "sentinel": {
            "type": "sentinel",
            "tenant": "contoso.example.invalid",
            "client_id": "drills",
            "client_secret": CANARIES["sentinel"],
            "endpoint_url": address,
            "login_url": address,
            "rule_id": "dcr-0123456789abcdef0123456789abcdef",
        },
        "datadog": {"type": "datadog", "api_key": CANARIES["datadog"], "api_url": address},
        "discord": {"type": "discord", "url": f"{address}/api/webhooks/123456789012345678/{c['discord']}"},
        "mattermost": {"type": "mattermost", "url": f"{address}/hooks/{c['mattermost']}"},
        "google-chat": {
            "type": "google-chat",
            "url": f"{address}/v1/spaces/AAAA/messages?key={c['chat-key']}&token={c['chat-token']}",
        },
        "github": {
            "type": "github",
            "repository": "drills/evidence",
            "token": CANARIES["github"],
            "api_url": address,
        },
        "slack-bot": {
            "type": "slack-bot",
            "token": CANARIES["slack-bot"],
            "channel": "C0123ABCD",
            "api_url": address,
        },
        "apprise": {"type": "apprise", "url": f"json://{address.removeprefix('http://')}/{c['apprise']}"},
        "email": {
            "type": "email",
            "host": "127.0.0.1",
            "port": 9,  # nobody listens there
            "security": "none",
            "user": "drills",
            "password": CANARIES["email"],
            "sender": "drills@example.invalid",
            "recipients": ["team@example.invalid"],
        },
    }


def forms(canary: str) -> Iterator[bytes]:
    """Give every way in which a secret may be written."""
    for text in (canary, f"drills:{canary}", f"drills@example.invalid:{canary}"):
        raw = text.encode()
        yield raw
        yield json.dumps(text)[1:-1].encode()
        yield quote(text, safe="").encode()
        yield quote(text).encode()
        yield b64encode(raw).rstrip(b"=")
        yield urlsafe_b64encode(raw).rstrip(b"=")


def tell_all(request: Request) -> Response:
    """Refuse a request, and quote it from beginning to end."""
    lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers)]
    return Response("\n".join([*lines, request.get_data(as_text=True)]), status=400)


def run_with_canaries(folder: Path, httpserver: HTTPServer, *taken_out: str) -> set[str]:
    """Run a check over every connector, and name the canaries that are found anywhere afterwards."""
    httpserver.expect_request(re.compile("^/")).respond_with_handler(tell_all)
    config = folder / "connectors.json"
    entries = connectors(f"http://127.0.0.1:{httpserver.port}")
    config.write_text(json.dumps({"connectors": entries}))
    schedule = folder / "schedule.json"
    schedule.write_text(
        json.dumps(
            {
                "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
                "schedule_id": "canary",
                "status": "active",
                "interval_days": 30,
                "next_due_at": "2026-01-01T00:00:00Z",
                "owners": ["team"],
                "notification_providers": list(entries),
                "runbook_ref": "docs/runbook.md",
            }
        )
    )
    home = folder / "home"
    home.mkdir()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "blocks,tasks,flows,rollback_drills",
        "DRILLS_DATABASE_URL": f"sqlite:///{home / 'evidence.db'}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/e2e/canary_run.py"), str(config), str(schedule), *taken_out],
        env=environ,
        cwd=home,
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert len(httpserver.log) >= len(entries) - 1, "every connector but email was tried"
    return set(_find_leaks(done.stdout + done.stderr, home))


def _find_leaks(output: bytes, home: Path) -> Iterator[str]:
    places = {str(file): file.read_bytes() for file in home.rglob("*") if file.is_file()}
    assert any(place.endswith("evidence.db") for place in places)
    assert any(place.endswith("prefect.db") for place in places)
    places["output"] = output
    for name, canary in {**CANARIES, "signing": SIGNING}.items():
        for place, content in places.items():
            if any(form in content for form in forms(canary)):
                yield f"{name} in {Path(place).name}"


def test_no_secret_is_found_in_anything_that_a_run_writes(tmp_path: Path, httpserver: HTTPServer) -> None:
    assert run_with_canaries(tmp_path, httpserver) == set()


@pytest.mark.parametrize(
    "taken_out",
    [
        pytest.param("blocks.connector:Connector.redacted:unredacted", id="redaction of what comes back"),
        pytest.param("logs", id="silence of the loggers of httpx"),
    ],
)
def test_the_search_finds_the_secrets_when_a_redaction_is_taken_out(
    taken_out: str, tmp_path: Path, httpserver: HTTPServer
) -> None:
    leaks = run_with_canaries(tmp_path, httpserver, taken_out)

    assert any(leak.endswith("in output") for leak in leaks), leaks
