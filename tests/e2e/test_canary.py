"""A canary in every secret of every connector, a receiver that tells all it got, and a search for them."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import pytest
import re2

from rollback_drills.documents.privacy.privacy_rules import find_private
from tests.checkout import ROOT
from tests.e2e.canary_run import CARELESS
from tests.e2e.conftest import PrefectServer

PLAIN = ("discord", "mattermost")  # whose keys hold letters and digits only
NAMES = (
    *("webhook-path", "webhook-query", "webhook-token", "webhook-key", "webhook-header", "slack", CARELESS),
    *("teams", "jira", "servicenow-password", "servicenow-token", "servicenow-key", "pagerduty", "jsm"),
    *("splunk", "sentinel", "datadog", "discord", "mattermost", "chat-key", "chat-token", "github"),
    *("slack-bot", "email", "apprise"),
)
SIGNING = "signing"


def make_canaries() -> dict[str, str]:
    """Make secrets that no other run has, for all runs leave their traces on one server."""
    salt = token_hex(6)
    found = {
        name: f"cAnary{number:02d}{name}9f{salt}Zx"
        if name in PLAIN
        else f"cAnary{number:02d}+{name}/9f{salt}Zx"
        for number, name in enumerate(NAMES)
    }
    return {**found, SIGNING: b64encode(f"cAnary signing secret {salt}".encode()).decode()}


def connectors(canaries: Mapping[str, str], address: str, mail_port: int) -> dict[str, Any]:
    """Write a connector for each way to hold a secret."""
    c = {name: quote(value, safe="") for name, value in canaries.items()}
    snow = {"type": "servicenow", "url": address}
    return {
        "webhook": {
            "url": f"{address}/hook/{c['webhook-path']}?sig={c['webhook-query']}",
            "token": canaries["webhook-token"],
            "api_key": canaries["webhook-key"],
            "headers": {"x-extra": canaries["webhook-header"]},
            "signing_secret": f"whsec_{canaries[SIGNING]}",
        },
        "slack": {"url": f"{address}/services/T0/B0/{c['slack']}"},
        CARELESS: {"type": "slack", "url": f"{address}/services/T0/B0/{c['careless']}"},
        "teams": {"url": f"{address}/workflows/1/triggers/manual/paths/invoke?sig={c['teams']}"},
        "jira": {
            "url": address,
            "email": "drills@example.invalid",
            "token": canaries["jira"],
            "project": "OPS",
            "deployment": "cloud",
        },
        "sn-basic": {**snow, "user": "drills", "password": canaries["servicenow-password"]},
        "sn-token": {**snow, "token": canaries["servicenow-token"]},
        "sn-key": {**snow, "api_key": canaries["servicenow-key"]},
        "pagerduty": {"type": "pagerduty", "routing_key": canaries["pagerduty"], "api_url": address},
        "jsm": {"type": "jsm", "api_key": canaries["jsm"], "api_url": address},
        "splunk": {"type": "splunk", "token": canaries["splunk"], "collector_url": address},
        "sentinel": {
            "type": "sentinel",
            "tenant": "contoso.example.invalid",
            "client_id": "drills",
            "client_secret": canaries["sentinel"],
            "endpoint_url": address,
            "login_url": address,
            "rule_id": "dcr-0123456789abcdef0123456789abcdef",
        },
        "datadog": {"type": "datadog", "api_key": canaries["datadog"], "api_url": address},
        "discord": {"type": "discord", "url": f"{address}/api/webhooks/123456789012345678/{c['discord']}"},
        "mattermost": {"type": "mattermost", "url": f"{address}/hooks/{c['mattermost']}"},
        "google-chat": {
            "type": "google-chat",
            "url": f"{address}/v1/spaces/AAAA/messages?key={c['chat-key']}&token={c['chat-token']}",
        },
        "github": {
            "type": "github",
            "repository": "drills/evidence",
            "token": canaries["github"],
            "api_url": address,
        },
        "slack-bot": {
            "type": "slack-bot",
            "token": canaries["slack-bot"],
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
            "password": canaries["email"],
            "sender": "drills@example.invalid",
            "recipients": ["team@example.invalid"],
        },
    }


def forms(canary: str) -> Iterator[bytes]:
    """Return every way in which a secret may be written."""
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


KEYS = (
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
    return lambda echo: http(status, json.dumps(dict.fromkeys(KEYS, shape(echo))))


def plain(status: int) -> Callable[[str], bytes]:
    """Answer with what came, as it came."""
    return lambda echo: http(status, echo)


REDIRECT_TO = "https://elsewhere.example.invalid/?"
FIRST = "400"
FAULTS: dict[str, Callable[[str], bytes]] = {
    **{str(status): plain(status) for status in (400, 401, 403, 404, 429)},
    "500 with a Retry-After that echoes": lambda echo: http(500, echo, retry_after=quote(echo)[:6000]),
    "a 200 with an error": lambda echo: http(200, json.dumps({"ok": False, "error": echo})),
    "a page": lambda echo: http(200, f"<!doctype html><title>{echo}</title>", "text/html"),
    "nothing": lambda _: http(200, ""),
    "ten megabytes": lambda echo: http(400, echo * (10_000_000 // len(echo) + 1)),
    "a redirect": lambda echo: http(302, echo, location=REDIRECT_TO + quote(echo)[:6000]),
    "429 with Retry-After": lambda echo: http(429, echo, retry_after="60"),
    **{f"{status} with texts": shaped(status, lambda echo: echo) for status in (200, 201, 202)},
    "201 with objects": shaped(201, lambda echo: {"x": echo, echo: 1}),
    "400 with lists": shaped(400, lambda echo: [{"message": [echo]}]),
    "a drip": lambda echo: http(200, "", x_echo=quote(echo)[:300]),
    "a reset": lambda _: b"",
    "nobody": lambda _: b"",
}
SILENT = ("nobody",)
ONLY_FIRST = (CARELESS, "email", "sn-token", "sn-key")
"""Connectors that no fault of HTTP changes, and those of a type that another one has."""
FEW = ("webhook", "slack", CARELESS, "jira")
FILTER = "rollback_drills.redaction.log_filter:RedactingFilter.filter:pass"


class Receiver:
    """A receiver that makes the fault it is asked for, and tells in its answers all that it knows.

    That is the request that it answers, and in every form whatever secret it was sent before, by whomever.
    """

    def __init__(self, canaries: Mapping[str, str]) -> None:
        self._canaries = canaries
        self.counts: Counter[str] = Counter()
        self._fault = "nothing"
        self._known: dict[str, list[str]] = {}
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
                time.sleep(0.004)
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
            for name, canary in self._canaries.items():
                if name not in self._known and any(form in request for form in forms(canary)):
                    self._known[name] = [form.decode() for form in forms(canary)]
            known = list(chain.from_iterable(self._known.values()))
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


def write_schedules(folder: Path, providers: Sequence[str], secret: str, faults: Sequence[str]) -> None:
    """Write a schedule for each fault, and with the first one two that are told nobody.

    Somebody has pasted a secret into those two.
    """
    # What looks like a credential is refused before anything else; this is what does not.
    pasted = " ".join(text for form in forms(secret) if not find_private(text := form.decode()))
    schedule = {
        "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
        "status": "active",
        "interval_days": 30,
        "next_due_at": "2026-01-01T00:00:00Z",
        "owners": ["team"],
        "notification_providers": list(providers),
        "runbook_ref": "docs/runbook.md",
    }
    window = {"start_at": "2020-01-01T00:00:00Z", "end_at": "2099-01-01T00:00:00Z", "reason": pasted}
    calendars = {"team": {"available": False, "reason": pasted}}
    silent = (
        {**schedule, "schedule_id": "windowed", "maintenance_windows": [window]},
        {**schedule, "schedule_id": "absent", "owner_calendars": calendars},
    )
    for number, fault in enumerate(faults):
        told = {**schedule, "schedule_id": f"canary-{number}"}
        lines = (told, *silent) if fault == FIRST else (told,)
        (folder / f"{number}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


def run_with_canaries(
    server: PrefectServer, folder: Path, *taken_out: str, faults: Sequence[str] = (FIRST,)
) -> set[str]:
    """Run a check under each fault, and name the canaries that are found anywhere afterwards."""
    canaries, home, keys = make_canaries(), folder / "home", folder / "keys.json"
    home.mkdir()
    with contextlib.closing(Receiver(canaries)) as receiver:
        entries = connectors(canaries, f"http://127.0.0.1:{receiver.port}", receiver.mail_port)
        if taken_out:
            entries = {name: entries[name] for name in FEW}
        (folder / "connectors.json").write_text(json.dumps({"connectors": entries}))
        write_schedules(folder, list(entries), canaries["slack"], faults)
        over_http = ",".join(name for name in entries if name not in ONLY_FIRST)
        given = {
            "config": str(folder / "connectors.json"),
            "control": receiver.control_port,
            "database": str(home / "evidence.db"),
            "runs": [
                (
                    fault,
                    {
                        "schedule": str(folder / f"{number}.jsonl"),
                        "provider": "all" if fault == FIRST else over_http,
                    },
                )
                for number, fault in enumerate(faults)
            ],
            "taken_out": taken_out,
            "keys": str(keys),
        }
        output = _run(server, home, given)
        for fault in set(faults) - set(SILENT):
            assert receiver.counts[fault] >= len(over_http.split(",")), f"{fault}: {receiver.counts}"
    for number, key in enumerate(json.loads(keys.read_text())):
        canaries |= {f"ledger key {number}": key, f"seed of ledger key {number}": key.split("+", 4)[4]}
    return set(_find_leaks(canaries, output, server.home, home))


def _run(server: PrefectServer, home: Path, given: dict[str, Any]) -> bytes:
    environ = {
        **server.environ,
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "blocks,tasks,flows,rollback_drills",
        "DRILLS_DATABASE_URL": f"sqlite:///{given['database']}",
        "PYTHONPATH": str(ROOT),
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
    return done.stdout + done.stderr


def _find_leaks(canaries: Mapping[str, str], output: bytes, *homes: Path) -> Iterator[str]:
    names = {form: name for name, canary in canaries.items() for form in forms(canary)}
    options = re2.Options()
    options.encoding, options.max_mem = re2.Options.Encoding.LATIN1, 2**28
    # in linear time: a database of 50 MB is looked through for a thousand texts
    search = re2.compile(b"|".join(map(re2.escape, sorted(names))), options)
    places = {file.name: file.read_bytes() for home in homes for file in home.rglob("*") if file.is_file()}
    assert {"evidence.db", "evidence.db-wal", "prefect.db"} <= set(places)
    for place, content in {**places, "output": output}.items():
        for found in search.finditer(content):
            yield f"{names[found.group()]} in {place.removesuffix('-wal')}"


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param((FIRST,), id="with the first fault"),
        pytest.param(tuple(FAULTS), id="with every fault", marks=pytest.mark.chaos),
    ],
)
def test_no_secret_is_found_in_anything_that_a_run_writes(
    faults: tuple[str, ...], server: PrefectServer, tmp_path: Path
) -> None:
    assert run_with_canaries(server, tmp_path, faults=faults) == set()


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("taken_out", "leaks"),
    [
        pytest.param(
            ("blocks.connector:Connector.redacted:unredacted",),
            {"jira in evidence.db"},
            id="of what comes back",
        ),
        pytest.param(
            ("blocks.connector:remember_secrets:forget",),
            {"slack in evidence.db"},
            id="of what other connectors hold",
        ),
        pytest.param(
            (FILTER,),
            {f"{CARELESS} in output", f"{CARELESS} in prefect.db"},
            id="of logs",
        ),
        pytest.param(("tasks.events:redactor_in_use:blind",), {"slack in prefect.db"}, id="of events"),
        pytest.param(
            (
                "tasks.artifacts:redactor_in_use:blind",
                "tasks.evidence:redactor_in_use:blind",
                "tasks.logs:_redact_state:as it is",
            ),
            {"slack in prefect.db", "slack in evidence.db", "slack in output"},
            id="of artifacts, evidence and what a run ends with",
        ),
    ],
)
def test_the_search_finds_the_secrets_when_a_redaction_is_taken_out(
    taken_out: tuple[str, ...], leaks: set[str], server: PrefectServer, tmp_path: Path
) -> None:
    assert leaks <= run_with_canaries(server, tmp_path, *taken_out)
