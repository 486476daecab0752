"""A canary in every secret of every connector, a receiver that tells all it got, and a search for them."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rollback_drills.documents.privacy import find_private
from tests.e2e.canary_run import CARELESS
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
            *("slack-bot", "email", "apprise", "careless"),
        )
    )
}
SIGNING = b64encode(b"cAnary signing secret 81LmVw 9f27Zx").decode()


def connectors(address: str, mail_port: int) -> dict[str, object]:
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
        CARELESS: {"type": "slack", "url": f"{address}/services/T0/B0/{c['careless']}"},
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
            "port": mail_port,
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
        for encoded in (quote(text, safe=""), quote(text)):
            yield encoded.encode()
            yield re.sub("%..", lambda found: found[0].lower(), encoded).encode()
        yield b64encode(raw).rstrip(b"=")
        yield urlsafe_b64encode(raw).rstrip(b"=")


def http(status: int, body: str, content_type: str = "application/json", **headers: str) -> bytes:
    """Write an answer."""
    content = body.encode(errors="replace")
    lines = [
        f"HTTP/1.1 {status} -",
        f"content-type: {content_type}",
        f"content-length: {len(content)}",
        "connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode(errors="replace") + content


NAMES = (
    *("ok", "error", "errors", "message", "result", "key", "id", "code", "text", "status", "name", "ts"),
    *("number", "channel", "issues", "transitions", "fields", "retry_after", "errorMessages", "sys_id"),
    *(
        "detail",
        "error_description",
        "access_token",
        "token_type",
        "requestId",
        "html_url",
        "thread",
        "items",
    ),
)


def shaped(status: int, shape: Callable[[str], Any]) -> Callable[[str], bytes]:
    """Answer with an object in which every name that a vendor may use holds the echo."""
    return lambda echo: http(status, json.dumps(dict.fromkeys(NAMES, shape(echo))))


def plain(status: int) -> Callable[[str], bytes]:
    """Answer with what came, as it came."""
    return lambda echo: http(status, echo)


REDIRECT_TO = "https://elsewhere.example.invalid/?"
FIRST = "400"
FAULTS: dict[str, Callable[[str], bytes]] = {
    **{str(status): (lambda echo, status=status: http(status, echo)) for status in (400, 401, 403, 404, 500)},
    "a 200 with an error": lambda echo: http(200, json.dumps({"ok": False, "error": echo})),
    "a page": lambda echo: http(200, f"<!doctype html><title>{echo}</title>", "text/html"),
    "a text": lambda echo: http(200, echo, "text/plain"),
    "nothing": lambda _: http(200, ""),
    "ten megabytes": lambda echo: http(400, echo * (10_000_000 // len(echo) + 1)),
    "a redirect": lambda echo: http(302, echo, location=REDIRECT_TO + quote(echo)[:6000]),
    "429": lambda echo: http(429, echo),
    "429 with Retry-After": lambda echo: http(429, echo, retry_after="60"),
    "429 with a Retry-After that echoes": lambda echo: http(429, "", retry_after=quote(echo)[:6000]),
    **{f"{status} with texts": shaped(status, lambda echo: echo) for status in (200, 201, 202)},
    "201 with objects": shaped(201, lambda echo: {"x": echo, echo: 1}),
    "400 with lists": shaped(400, lambda echo: [{"message": [echo]}]),
    "a drip": lambda echo: http(200, "", x_echo=quote(echo)[:6000]),
    "a reset": lambda _: b"",
    "nobody": lambda _: b"",
}
SILENT = ("nobody",)
ONLY_FIRST = (CARELESS, "email", "sn-token", "sn-key")
"""Connectors that no fault of HTTP changes, and those of a type that another one has."""


class Receiver:
    """A receiver that makes the fault it is asked for, and tells in its answers all that it knows.

    That is the request that it answers, and in every form whatever secret it was sent before, by whomever.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._fault = "nothing"
        self._known: dict[str, None] = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._mail = socket.create_server(("127.0.0.1", 0))
        self.mail_port: int = self._mail.getsockname()[1]
        self._control = socket.create_server(("127.0.0.1", 0))
        self.control_port: int = self._control.getsockname()[1]
        for listener, handle in (
            (self._listener, self._answer),
            (self._mail, self._refuse_login),
            (self._control, self._turn_to),
        ):
            self._serve(listener, handle)

    def close(self) -> None:
        for listener in (self._listener, self._mail, self._control):
            _close(listener)

    def _serve(self, listener: socket.socket, handle: Callable[[socket.socket], None]) -> None:
        def take(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                handle(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=take, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def _turn_to(self, control: socket.socket) -> None:
        fault = control.recv(1000).decode().strip()
        if self._fault in SILENT:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._serve(self._listener, self._answer)
        if fault in SILENT:
            _close(self._listener)
        self._fault = fault
        control.sendall(b"!")

    def _answer(self, connection: socket.socket) -> None:
        request, fault = _read_request(connection), self._fault
        answer = FAULTS[fault](self._echo(request, fault))
        if fault == "a reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif fault == "a drip":
            for byte in answer:
                connection.sendall(bytes([byte]))
                time.sleep(0.002)
        else:
            connection.sendall(answer)

    def _refuse_login(self, connection: socket.socket) -> None:
        connection.sendall(b"220 here\r\n")
        for line in connection.makefile("rb"):
            command = line[:4].upper()
            if command == b"EHLO":
                connection.sendall(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n")
            elif command == b"QUIT":
                connection.sendall(b"221 bye\r\n")
            else:
                echo = self._echo(line, self._fault)
                lines = [echo[start : start + 400] for start in range(0, min(len(echo), 20_000), 400)]
                connection.sendall("".join(f"535-{each}\r\n" for each in lines).encode() + b"535 no\r\n")

    def _echo(self, request: bytes, fault: str) -> str:
        with self._lock:
            self.counts[fault] += 1
            new = [name for name, canary in CANARIES.items() if name not in self._known]
            self._known |= dict.fromkeys(
                name for name in new if any(form in request for form in forms(CANARIES[name]))
            )
            known = [form.decode() for name in self._known for form in forms(CANARIES[name])]
            start = 7 * sum(self.counts.values()) % max(len(known), 1)
        own = " ".join(request.decode(errors="replace").split())
        turned = " ".join(known[start:] + known[:start])
        # An answer is cut when it is kept, so that each shows some of them only.
        return f"{own} {turned}" if start % 2 else f"{turned} {own}"


def _close(listener: socket.socket) -> None:
    # shutdown wakes the thread that waits in accept; close alone does not
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", data)
    whole = data.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
    while len(data) < whole and (chunk := connection.recv(65536)):
        data += chunk
    return data


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def write_schedules(folder: Path, providers: Sequence[str]) -> None:
    """Write a schedule that is told, and with it two that are not, with secrets pasted into them."""
    # What looks like a credential is refused before anything else; this is what does not.
    pasted = " ".join(text for form in forms(CANARIES["slack"]) if not find_private(text := form.decode()))
    schedule = {
        "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
        "status": "active",
        "interval_days": 30,
        "next_due_at": "2026-01-01T00:00:00Z",
        "owners": ["team"],
        "notification_providers": list(providers),
        "runbook_ref": "docs/runbook.md",
    }
    always = {"start_at": "2020-01-01T00:00:00Z", "end_at": "2099-01-01T00:00:00Z"}
    schedules = (
        {**schedule, "schedule_id": "canary"},
        {**schedule, "schedule_id": "windowed", "maintenance_windows": [{**always, "reason": pasted}]},
        {
            **schedule,
            "schedule_id": "absent",
            "owner_calendars": {"team": {"available": False, "reason": pasted}},
        },
    )
    (folder / "schedules.jsonl").write_text("".join(json.dumps(each) + "\n" for each in schedules))
    (folder / "schedule.json").write_text(json.dumps(schedules[0]))


def run_with_canaries(
    folder: Path, receiver: Receiver, *taken_out: str, faults: Sequence[str] = tuple(FAULTS)
) -> set[str]:
    """Run a check under each fault, and name the canaries that are found anywhere afterwards."""
    entries = connectors(f"http://127.0.0.1:{receiver.port}", receiver.mail_port)
    (folder / "connectors.json").write_text(json.dumps({"connectors": entries}))
    write_schedules(folder, list(entries))
    home, keys = folder / "home", folder / "keys.json"
    home.mkdir()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "blocks,tasks,flows,rollback_drills",
        "PYTHONPATH": str(ROOT),
    }
    given = {
        "config": str(folder / "connectors.json"),
        "control": receiver.control_port,
        "runs": [_plan(folder, fault, entries) for fault in faults],
        "taken_out": taken_out,
        "keys": str(keys),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/e2e/canary_run.py"), json.dumps(given)],
        env=environ,
        cwd=home,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    for fault in faults:
        fewest = len(entries) - len(ONLY_FIRST)
        assert fault in SILENT or receiver.counts[fault] >= fewest, f"{fault}: {receiver.counts}"
    return set(_find_leaks(done.stdout + done.stderr, home, json.loads(keys.read_text())))


def _plan(folder: Path, fault: str, providers: Iterable[str]) -> dict[str, object]:
    if fault == FIRST:
        return {"fault": fault, "parameters": {"schedule": str(folder / "schedules.jsonl")}}
    asked = ",".join(each for each in providers if each not in ONLY_FIRST)
    return {
        "fault": fault,
        "parameters": {"schedule": str(folder / "schedule.json"), "provider": asked},
    }


def _find_leaks(output: bytes, home: Path, keys: Sequence[str]) -> Iterator[str]:
    places = {file.name: file.read_bytes() for file in home.rglob("*") if file.is_file()}
    assert {"evidence0.db", "prefect.db"} <= set(places)
    places["output"] = output
    secrets = {**CANARIES, "signing": SIGNING}
    if keys:
        secrets |= {"ledger key": keys[0], "seed of the ledger key": keys[0].rpartition("+")[2]}
    for name, canary in secrets.items():
        for place, content in places.items():
            if any(form in content for form in forms(canary)):
                yield f"{name} in {place}"


def test_no_secret_is_found_in_anything_that_a_run_writes(tmp_path: Path, receiver: Receiver) -> None:
    assert run_with_canaries(tmp_path, receiver) == set()
