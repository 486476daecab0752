"""Says in a few words what a record of the evidence is about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.readiness.terms import Report

_SAYS: Final = ("category", "outcome", "status", "cause", "closure_state", "step")
"""What a record says in one word; the first that it has."""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """What a row of the evidence is about."""

    number: int
    at: datetime
    kind: str
    is_imported: bool
    schedule_id: str
    provider: str
    owner: str
    what: str
    session_id: str
    flow_run_id: str
    """The Prefect flow run that wrote it; empty if it was none."""


def describe_record(record: Report) -> EvidenceRow:
    """Describe a record in a row; an imported one is what it was."""
    told = record.get("original", record)
    kind = str(told["metadata_kind"])
    for start in ("go-backend-rollback-drill-", "rollback-drills-"):
        kind = kind.removeprefix(start)
    what = next((told[name] for name in _SAYS if told.get(name)), "")
    return EvidenceRow(
        record["leaf_index"],
        datetime.fromisoformat(record["created_at"]),
        kind,
        told is not record,
        str(told.get("schedule_id") or ""),
        str(told.get("provider") or ""),
        str(told.get("owner") or ""),
        str(what),
        str(record["session_id"]),
        str(record.get("flow_run_id") or ""),
    )
