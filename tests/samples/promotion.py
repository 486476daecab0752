"""A promotion in order: the three documents, as a team keeps them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EVIDENCE: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-promotion-evidence.v1",
    "parity_status": "pass",
    "deployment_status": "ready",
    "approved": True,
    "approval_id": "approval-1",
    "evidence_refs": ["go-runtime-parity://ci/run-1"],
}
PLAN: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-plan.v1",
    "status": "ready",
    "target_mode": "disabled",
    "approved": True,
    "approval_id": "approval-2",
    "max_recovery_minutes": 15,
    "controls": [
        "python-fallback-available",
        "promoted-mode-disable-tested",
        "rollback-approval-recorded",
        "operator-runbook-linked",
        "evidence-capture-enabled",
        "pager-rota-informed",
    ],
    "rollback_steps": ["Set CAVRA_GO_BACKEND_MODE=disabled.", "Restart what serves requests."],
    "evidence_refs": ["go-rollback-plan://ci/run-2"],
}
REHEARSAL: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-rehearsal.v1",
    "status": "pass",
    "plan_approval_id": "approval-2",
    "simulated": True,
    "fallback_verified": True,
    "recovery_minutes": 6,
    "max_recovery_minutes": 15,
    "runbook_ref": "docs/runbook.md",
    "evidence_refs": ["go-rollback-rehearsal://ci/run-3"],
}
SAMPLES = {"evidence": EVIDENCE, "plan": PLAN, "rehearsal": REHEARSAL}


def write_promotion(folder: Path, **changes: Mapping[str, Any]) -> list[str]:
    """Write the three documents with changes by name; what is None is left out. Give their paths."""
    paths = []
    for name, sample in SAMPLES.items():
        document = {**sample, **changes.get(name, {})}
        path = folder / f"{name}.json"
        path.write_text(json.dumps({key: each for key, each in document.items() if each is not None}))
        paths.append(str(path))
    return paths
