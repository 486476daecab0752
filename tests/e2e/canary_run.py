"""Noisy runs with a canary in every secret; started by test_canary.py in a process of its own."""

import contextlib
import importlib
import json
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rollback_drills.notifications.outcome import RequestSummary, Verdict

if TYPE_CHECKING:
    from blocks.connector_import import ImportedConnector

CARELESS = "careless"


def main(given: dict[str, Any]) -> None:
    """Import the connectors, check every schedule once under each fault, and log as much as there is."""
    logging.basicConfig(level=logging.DEBUG)
    from prefect.client import base as client_base
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from blocks.connector_import import import_connectors
    from flows.drill_check import drill_check
    from rollback_drills.redaction import redactor

    # The server's SQLite is busy with the events of the run before; Prefect would wait two seconds each time.
    client_base.clamped_poisson_interval = lambda *_: 0.2  # type: ignore[attr-defined]  # imported there
    imported = import_connectors(Path(given["config"]), os.environ)
    redactor._in_use.__init__()  # type: ignore[misc]  # as a worker begins: another process has imported them
    _be_careless()
    for place in given["taken_out"]:
        _take_out(place)
    # With heartbeats every flow run ends on a full second.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        for fault, parameters in given["runs"]:
            _ask_for(fault, given["control"])
            state = drill_check(**parameters, retries=0, timeout_seconds=1, return_state=True)
            data = state.result(raise_on_failure=False)
            sys.stdout.write(f"{state.name} {state.message} {getattr(data, 'result', data)}\n")
            _forgive_destinations(Path(given["database"]))
    Path(given["keys"]).write_text(json.dumps(_read_ledger_keys()))
    _delete(imported)


def _ask_for(fault: str, port: int) -> None:
    """Have the receiver answer with a fault from now on."""
    with socket.create_connection(("127.0.0.1", port)) as control:
        control.sendall(f"{fault}\n".encode())
        control.recv(1)


def _forgive_destinations(database: Path) -> None:
    """Let every destination be tried again by the next run, whatever it has answered to this one."""
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute("DELETE FROM destinations")
        connection.commit()


def _be_careless() -> None:
    """Make one connector log its secret in every way that there is, and then raise it."""
    from prefect.logging import get_run_logger

    from blocks.http.exchange import Response
    from blocks.secret_fields import open_secret
    from blocks.slack import SlackConnector

    judge = SlackConnector.judge

    def judge_carelessly(self: SlackConnector, response: Response) -> Verdict:
        if self.name != CARELESS:
            return judge(self, response)
        url = open_secret(self.url)
        logging.getLogger("blocks.slack").warning("sent to %s", url)
        get_run_logger().error("sent", extra={"address": url})
        try:
            int(url)
        except ValueError:
            get_run_logger().exception("sent to %(url)s", {"url": url})
        raise ValueError(f"sent to {url}")

    setattr(SlackConnector, "judge", judge_carelessly)  # noqa: B010 - on purpose, it is a defect


def _read_ledger_keys() -> list[str]:
    """Return the keys that sign the evidence, for the search; they are nobody's canaries."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client.read_block_documents(limit=200, include_secrets=True)
    return [
        str(each.data["value"]) for each in found if (each.name or "").startswith("rollback-drills-ledger-")
    ]


def _delete(connectors: "Sequence[ImportedConnector]") -> None:
    """Leave no connector behind: they lead to a receiver that ends with this run."""
    from prefect.client.orchestration import get_client

    names = {name for each in connectors for name in (each.name, *each.secret_blocks)}
    with get_client(sync_client=True) as client:
        for found in client.read_block_documents(limit=200):
            if found.name in names and found.id is not None:
                client.delete_block_document(found.id)


def _take_out(place: str) -> None:
    module, name, replacement = place.split(":")
    owner: Any = importlib.import_module(module)
    *outer, last = name.split(".")
    for each in outer:
        owner = getattr(owner, each)
    setattr(owner, last, REPLACEMENTS[replacement])


def _show_verdict(_: object, verdict: Verdict, request: RequestSummary | None = None) -> Verdict:
    return replace(verdict, request=request)


class _Blind:
    """A redactor that sees nothing."""

    def text(self, text: str) -> str:
        return text

    def value(self, value: Any) -> Any:
        return value

    repeated_text = text
    document = value


REPLACEMENTS: dict[str, Any] = {
    "unredacted": _show_verdict,
    "pass": lambda *_: True,
    "forget": lambda *_, **__: None,
    "blind": _Blind,
    "as it is": lambda value: value,
}

if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
