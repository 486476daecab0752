"""What the pages take for granted: documents, connectors, deployments, a worker, and a fleet with a past."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import trustme

from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, running_server
from tests.processes.loopback_receiver import running_receiver
from tests.samples.commands import drills
from tests.samples.promotion import write_promotion
from tests.samples.vendor_results import VELERO

SCHEDULE: Final[dict[str, Any]] = {
    "schema_version": "rollback-drills.schedule.v1",
    "schedule_id": "payments",
    "environment": "production",
    "status": "active",
    "interval_days": 30,
    "owners": ["payments-team"],
    "notification_providers": ["slack", "pagerduty"],
    "runbook_ref": "docs/runbook.md",
    "postpone_limit_days": 366,
    "owner_routes": {"payments-team": {"acknowledgement_minutes": 60, "escalation_owner": "platform"}},
}
DRILL: Final[dict[str, Any]] = {
    "drill_id": "payments-2026-01",
    "executed_at": "2026-01-15T09:00:00Z",
    "actor": "release-agent",
    "source_mode": "promoted",
    "target_mode": "disabled",
    "status": "pass",
    "fallback_verified": True,
    "recovery_minutes": 7,
    "max_recovery_minutes": 15,
    "runbook_ref": "docs/runbook.md",
    "evidence_refs": ["drill://ci/payments-2026-01"],
}
RECORD: Final = {
    "schema_version": "cavra.evidence.metadata.v1",
    "session_id": "rcd-1",
    "created_at": "2025-01-01T00:00:00Z",
    "metadata_kind": "drill",
}
IDS: Final = ("payments", "ledger", "payments_rollback_drills_monthly")


@dataclass(frozen=True)
class World:
    """A Prefect server with everything on it, the receiver behind each connector, and one that refuses."""

    server: PrefectServer
    receiver: str
    refusing: str
    past: Path
    """The evidence of a first check, for each page to go on from."""


def write_documents(folder: Path) -> None:
    """Write the documents that the pages name where they name them."""
    history = {"schema_version": "rollback-drills.history.v1", "environment": "production", "drills": [DRILL]}
    write(folder / "schedule.json", SCHEDULE)
    write(folder / "history.json", history)
    for each in IDS:
        for place in ("schedules", "fleet", "drills"):
            write(folder / place / f"{each}-schedule.json", {**SCHEDULE, "schedule_id": each})
        drills = [{**DRILL, "drill_id": f"{each}-2026-01"}]
        write(folder / "histories" / f"{each}-history.json", {**history, "drills": drills})
        write(folder / "schedules" / f"{each}-history.json", {**history, "drills": drills})
    write(folder / "drill.json", {**DRILL, "drill_id": "payments-now", "executed_at": "2026-11-20T09:00:00Z"})
    write(folder / "restore.json", json.loads(json.dumps(VELERO).replace("2026-12-01", "2026-11-20")))
    write(folder / "evidence-index.json", [RECORD])
    write_promotion(folder)
    certificate = trustme.CA().issue_cert("localhost", "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for name in ("examples", "deployments", "flows", "tasks", "blocks", "constraints.txt"):
        (folder / name).symlink_to(ROOT / name)


def write(path: Path, document: Any) -> None:
    """Write a document as JSON."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))


@contextmanager
def running_world(home: Path) -> Iterator[World]:
    """Run the server and the receiver, and deliver for the first time."""
    with ExitStack() as running:
        server = running.enter_context(running_server(home))
        receiver = running.enter_context(running_receiver()).url
        refusing = running.enter_context(running_receiver(statuses=[400])).url
        hooks = {name: {"type": "slack", "url": receiver} for name in ("slack", "pagerduty", "mail")}
        write(home / "hooks.json", {"connectors": hooks})
        write_documents(home / "documents")
        server.drills("deploy")
        running.enter_context(server.running("prefect", "worker", "start", "--pool", "drills"))
        server.drills("connectors", "import", str(home / "hooks.json"))
        first = ("--schedule", str(home / "documents" / "schedules"))
        drills("deliver", *first, cwd=home, **server.environ)
        server.drills("evidence", "backup", str(home / "past.db"))
        yield World(server, receiver, refusing, home / "past.db")
