"""The API as a process on a real Prefect server: the documented calls with another host."""

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pytest_httpserver import HTTPServer

from tests.api.conftest import NOTIFICATIONS
from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, wait_until
from tests.samples.commands import drills

DRILLS = (sys.executable, "-m", "rollback_drills_cli.main")
SCHEDULE_ID = "go_backend_python_fallback_monthly"
JSON = {"content-type": "application/json"}


@contextmanager
def running_api(*flags: str, environ: Mapping[str, str], log: Path, port: int = 0) -> Iterator[str]:
    """Start the API on a port, by default a free one, and stop it as an operator does."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*DRILLS, "api", "--port", str(port), *flags],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=out,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        found = re.search(r"https?://\S+", line)
        assert found, f"{line}\n{log.read_text()}"
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=180)
    assert code in (0, -signal.SIGTERM), log.read_text()


def token(server: PrefectServer, name: str, scope: str, *more: str) -> str:
    return server.drills("api-token", "create", name, "--scope", scope, *more).strip()


@pytest.fixture(scope="module")
def folder(server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold the schedule of the documentation, which is overdue."""
    folder = tmp_path_factory.mktemp("documents")
    schedule = {
        "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
        "schedule_id": SCHEDULE_ID,
        "environment": "production-pilot",
        "status": "active",
        "interval_days": 30,
        "next_due_at": (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds"),
        "owners": ["release-governance"],
        "notification_providers": ["webhook"],
        "runbook_ref": "docs/go-backend-rollback-drill-scheduling.md",
    }
    (folder / "schedule.json").write_text(json.dumps(schedule))
    return folder


@pytest.fixture(scope="module")
def environ(server: PrefectServer, folder: Path) -> Mapping[str, str]:
    """Configure as the documentation does."""
    return {
        **server.environ,
        "CAVRA_GO_BACKEND_MODE": "promoted",
        "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE": str(folder / "schedule.json"),
        "PYTHONUNBUFFERED": "1",
    }


def test_the_calls_of_the_documentation_work_with_only_the_host_changed(
    server: PrefectServer,
    environ: Mapping[str, str],
    folder: Path,
    httpserver: HTTPServer,
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("taken", status=200)
    save_connector(server, folder, httpserver.url_for("/hook"))
    secret = token(server, "pipeline", "operate", "--expires-days", "1")
    admin = token(server, "administration", "admin")
    log = folder / "api.log"

    with running_api("--embedded", environ=environ, log=log) as api:
        client = httpx.Client(base_url=api, headers={"authorization": f"Bearer {secret}"}, timeout=120)
        schedule = client.get("/runtime/go-pilot/rollback-drill-schedule").json()
        delivered = post(client, "/deliver", {"provider": "webhook", "retries": 2})
        again = post(
            client,
            "/deliver",
            {
                "provider": "webhook",
                "retries": 0,
                "timeout_seconds": 0.5,
                "generated_by": "release-governance",
                "force": False,
                "routing_policy": {"owner_routes": {"release-governance": {"providers": ["webhook"]}}},
            },
        )
        before = client.get(f"{NOTIFICATIONS}/dashboard").json()
        escalation = post(
            client,
            "/escalation-plan",
            {"policy": {"acknowledgement_minutes": 60}, "generated_by": "release-governance"},
        )
        plan_id = delivered["plan"]["plan_id"]
        said = {"provider": "webhook", "acknowledged_by": "release-manager", "plan_id": plan_id}
        acknowledged = post(client, f"/{SCHEDULE_ID}/acknowledgements", said)
        after = client.get(f"{NOTIFICATIONS}/dashboard").json()
        route = {"schedule_id": SCHEDULE_ID, "provider": "webhook", "plan_id": plan_id}
        bulk = post(
            client,
            "/acknowledgements/bulk",
            {"acknowledgement_state": "resolved", "external_ref": "CHG-456", "routes": [route]},
        )
        package = post(client, "/acknowledgements/audit-package", {"owner": "release-governance"})
        wish = {"exception": "skip", "until": in_days(5), "reason": "a freeze", "requested_by": "maria"}
        asked = post(client, f"/{SCHEDULE_ID}/exception-requests", wish)["request"]
        freeze = {"exception": "postpone", "until": in_days(3), "reason": "a freeze", "approver": "board"}
        client.headers["authorization"] = f"Bearer {admin}"
        granted = post(client, f"/{SCHEDULE_ID}/exceptions", freeze)["exception"]
        quiet = client.get(f"{NOTIFICATIONS}/dashboard").json()
        forced = post(client, "/deliver", {"force": True})
        history = client.get(NOTIFICATIONS).json()
        routes = client.get(f"{NOTIFICATIONS}/routes?owner=release-governance&action=deliver").json()
        readiness = client.get("/deployment/production-readiness").json()
        approved = post(client, f"/exception-requests/{asked['request_id']}/approve", {})["exception"]
        unknown = client.post(f"{NOTIFICATIONS}/deliver", json={"provider": "nagios"})

    assert (schedule["mode"], schedule["status"]) == ("promoted", "needs_attention")
    assert approved["request_id"] == asked["request_id"]
    assert (approved["requested_by"], approved["approver"]) == ("maria via pipeline", "administration")
    parts = {"schedule", "plan", "delivery", "plan_metadata", "metadata", "success", "event_id"}
    assert set(delivered) == set(again) == parts
    assert (delivered["success"], delivered["plan"]["generated_by"]) == (True, "pipeline")
    assert delivered["delivery"]["deliveries"][0]["outcome"] == "delivered"
    assert delivered["metadata"]["connector_delivery_source"] == "go_backend_rollback_drill_notification"
    assert again["delivery"]["nothing_to_deliver"] is True
    assert again["plan"]["generated_by"] == "release-governance via pipeline"
    assert (before["outstanding_count"], after["outstanding_count"]) == (1, 0)
    name = "outstanding_acknowledgement_count"
    assert (before[name], after[name], after["acknowledgement_count"]) == (1, 0, 1)
    assert escalation["plan"]["outstanding_count"] == 1
    assert acknowledged["metadata"]["metadata_kind"] == "go-backend-rollback-drill-notification-ack"
    assert acknowledged["acknowledgement"]["signer"] == "release-manager via pipeline"
    ack_schema = "cavra.go-backend-pilot.rollback-drill-notification-ack.v1"
    assert acknowledged["acknowledgement"]["schema_version"] == ack_schema
    assert bulk["schema_version"] == "cavra.go-backend-pilot.rollback-drill-bulk-acknowledgement.v1"
    assert (bulk["acknowledgement_state"], len(bulk["metadata"])) == ("resolved", 1)
    assert bulk["acknowledgements"][0]["schema_version"] == ack_schema
    assert bulk["acknowledgement_count"] == 1
    assert bulk["acknowledgements"][0]["acknowledgement_state"] == "resolved"
    assert (package["audit_package"]["route_count"], package["audit_package"]["resolved_count"]) == (1, 1)
    assert (history["total"], routes["total"]) == (1, 1)
    assert readiness["acceptable"] is False
    assert (granted["approver"], granted["signer"]) == ("board via administration", "administration")
    assert quiet["cycles_by_state"] == {"postponed": 1}
    assert forced["delivery"]["nothing_to_deliver"] is True
    assert unknown.status_code == 422
    assert unknown.json()["detail"].startswith("$.provider nagios is unknown")
    assert len(httpserver.log) == 1
    written = log.read_text()
    assert f"POST {NOTIFICATIONS}/deliver 200" in written
    assert secret not in written
    assert "/hook" not in written


def test_the_link_of_a_message_acknowledges_when_its_button_is_pressed(
    server: PrefectServer,
    environ: Mapping[str, str],
    folder: Path,
    httpserver: HTTPServer,
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("taken", status=200)
    save_connector(server, folder, httpserver.url_for("/hook"))
    linked = folder / "linked.json"
    schedule = json.loads((folder / "schedule.json").read_text())
    linked.write_text(json.dumps({**schedule, "schedule_id": "linked"}))
    secret = token(server, "linker", "operate")
    configured = {
        **environ,
        "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE": str(linked),
        "DRILLS_PUBLIC_URL": "https://drills.example/base",
    }
    log = folder / "links.log"

    with running_api("--embedded", environ=configured, log=log) as api:
        client = httpx.Client(base_url=api, headers={"authorization": f"Bearer {secret}"}, timeout=120)
        post(client, "/deliver", {"provider": "webhook"})
        (sent,) = [request.get_json() for request, _ in httpserver.log]
        urls = {each["label"]: each["url"] for each in sent["links"]}
        path = urls["Acknowledge"].removeprefix("https://drills.example/base")
        person = httpx.Client(base_url=api, timeout=120)
        opened = [person.get(path) for _ in range(2)]
        before = client.get(f"{NOTIFICATIONS}/dashboard").json()
        pressed = person.post(path, data={"by": "maria"})
        shown = person.get(path)
        after = client.get(f"{NOTIFICATIONS}/dashboard").json()

    assert urls["Schedule"] == "https://drills.example/base/console/schedule?id=linked"
    assert urls["Run"].startswith(server.environ["PREFECT_API_URL"].removesuffix("/api"))
    assert {each.status_code for each in opened} == {200}
    assert (pressed.status_code, pressed.headers["location"]) == (303, path.rpartition("/")[2])
    assert "maria via link has acknowledged this" in shown.text
    assert after["acknowledgement_count"] == before["acknowledgement_count"] + 1
    assert path.rpartition("/")[2] not in log.read_text()
    said = server.drills("links", "rotate-keys", "--revoke-all")
    assert "not valid any more" in said


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def post(client: httpx.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    answer = client.post(NOTIFICATIONS + path, json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_without_embedded_a_worker_runs_the_flows_and_the_api_gives_what_it_did(
    server: PrefectServer,
    environ: Mapping[str, str],
    folder: Path,
    httpserver: HTTPServer,
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("taken", status=200)
    save_connector(server, folder, httpserver.url_for("/hook"))
    secret = token(server, "robot", "admin")
    fleet = folder / "fleet"
    fleet.mkdir()
    schedule = json.loads((folder / "schedule.json").read_text())
    healthy = {**schedule, "schedule_id": "search", "next_due_at": in_days(90)}
    for name, document in (("pilot", schedule), ("search", healthy)):
        (fleet / f"{name}-schedule.json").write_text(json.dumps(document))
    environ = {
        **environ,
        "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE": str(fleet),
        "DRILLS_DATABASE_URL": f"sqlite:///{folder / 'workers.db'}",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    script = (
        "from prefect import serve\n"
        "from flows.acknowledge_notification import acknowledge_notification as acknowledge\n"
        "from flows.deliver_notifications import deliver_notifications as deliver\n"
        "from flows.grant_exception import grant_exception as grant\n"
        "serve(*(each.to_deployment(name=each.name) for each in (acknowledge, deliver, grant)))\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL
    )
    names = ("acknowledge-notification", "deliver-notifications", "grant-exception")
    try:
        identifiers = [
            wait_until(partial(find_deployment, server, name), within_seconds=180) for name in names
        ]
        with running_api(environ=environ, log=folder / "deployed.log") as api:
            client = httpx.Client(base_url=api, headers={"authorization": f"Bearer {secret}"}, timeout=120)
            runs = post(client, "/deliver", {"generated_by": "release-governance"})["runs"]
            acknowledged = post(client, f"/{SCHEDULE_ID}/acknowledgements", {"provider": "webhook"})
            freeze = {"exception": "skip", "until": in_days(40), "reason": "the next one counts"}
            granted = post(client, f"/{SCHEDULE_ID}/exceptions", freeze)["exception"]
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=300)
    for each in identifiers:  # others deploy under these names to a pool
        httpx.delete(f"{server.api}/deployments/{each}").raise_for_status()

    delivered, quiet = runs
    assert quiet["plan"]["schedule_id"] == "search"
    assert (quiet["metadata"], quiet["delivery"]["nothing_to_deliver"]) == (None, True)
    assert (delivered["success"], delivered["event_id"]) == (True, delivered["metadata"]["event_id"])
    assert delivered["plan_metadata"]["signer"] == "release-governance via robot"
    assert delivered["schedule"]["status"] == delivered["plan"]["status"] == "needs_attention"
    assert delivered["delivery"]["deliveries"][0]["outcome"] == "delivered"
    assert acknowledged["acknowledgement"]["acknowledged_by"] == "robot"
    assert (granted["exception"], granted["approver"], granted["signer"]) == ("skip", "robot", "robot")
    assert len(httpserver.log) == 1


def find_deployment(server: PrefectServer, name: str) -> str | None:
    found = httpx.get(f"{server.api}/deployments/name/{name}/{name}")
    return str(found.json()["id"]) if found.is_success else None


def save_connector(server: PrefectServer, folder: Path, url: str) -> None:
    config = folder / "connectors.json"
    config.write_text(json.dumps({"connectors": {"webhook": {"url": url}}}))
    server.drills("connectors", "import", str(config))


def test_it_speaks_tls_and_survives_bytes_that_are_no_http(
    server: PrefectServer,
    environ: Mapping[str, str],
    folder: Path,
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    tls = ("--tls-certificate", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"))

    with running_api(*tls, environ=environ, log=folder / "tls.log") as api:
        client = httpx.Client(base_url=api, verify=trusted, timeout=30)
        port = httpx.URL(api).port
        assert port is not None
        for garbage in (b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 4096, b"GET /" + b"a" * 200_000):
            with (
                socket.create_connection(("127.0.0.1", port)) as plain,
                trusted.wrap_socket(plain, server_hostname="127.0.0.1") as raw,
            ):
                try:
                    raw.sendall(garbage)
                    raw.settimeout(5)
                    assert b"200 OK" not in raw.recv(4096)
                except (ConnectionError, ssl.SSLError):
                    pass  # it hung up, which is right too
        answer = client.get("/healthz")
        denied = client.get("/runtime/go-pilot/rollback-drills")

    assert api.startswith("https://")
    assert answer.json() == {"status": "ok"}
    assert (denied.status_code, denied.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--host", "0.0.0.0"], "add --beyond-loopback to allow that"),
        (["--host", "drills.example"], "add --beyond-loopback"),
        (["--tls-certificate", "none.pem"], "belong together"),
        (["--tls-certificate", "none.pem", "--tls-key", "none.pem"], "none.pem is not a file"),
        (["--mode", "promted"], '--mode is "promted"'),
        (
            ["--tls-certificate", "bad.pem", "--tls-key", "bad.pem"],
            "bad.pem cannot be used: both must be PEM",
        ),
        (
            ["--tls-certificate", "cert.pem", "--tls-key", "locked.pem"],
            "and have no passphrase",
        ),
        (["--tls-certificate", "cert.pem", "--tls-key", "other.pem"], "the key is of another certificate"),
        (["--host", "nowhere.invalid", "--beyond-loopback"], "--host nowhere.invalid --port 0 cannot be"),
        (["--base-path", "/a/../b"], "--base-path is /a/../b; write a path such as /drills"),
        (["--base-path", "/a/./b"], "--base-path is /a/./b; write a path such as /drills"),
        (["--allowed-host", "http://x:80/"], "is not a host name; write it without scheme, port and path"),
    ],
)
def test_what_cannot_be_served_is_one_message(flags: list[str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    certificate, other = (trustme.CA().issue_cert("127.0.0.1") for _ in range(2))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    other.private_key_pem.write_to_path(str(tmp_path / "other.pem"))
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    locked = BestAvailableEncryption(b"passphrase")
    (tmp_path / "locked.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))

    done = drills("api", "--port", "0", *flags, cwd=tmp_path)

    assert done.returncode == 2
    assert problem in done.stderr


def test_a_port_that_is_taken_is_one_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = drills("api", "--port", port, "--schedule", "schedule.json", cwd=tmp_path)

    assert done.returncode == 2
    assert f"--host 127.0.0.1 --port {port} cannot be used: address already in use" in done.stderr
    assert done.stderr.count("\n") == 1
