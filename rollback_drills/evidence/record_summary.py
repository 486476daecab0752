"""Says in a few words what a record of the evidence is about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from rollback_drills.evidence.index import LedgerRow
from rollback_drills.evidence.written_record import WrittenRecord

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


class _Row(LedgerRow, frozen=True, gc=False):
    created_at: datetime
    session_id: str
    flow_run_id: str = ""
    original: WrittenRecord | None = None


def describe_record(record: WrittenRecord) -> EvidenceRow:
    """Describe a record in a row; an imported one is what it was."""
    row = msgspec.convert(record, _Row)
    said = record if row.original is None else row.original
    kind = str(said["metadata_kind"])
    for start in ("go-backend-rollback-drill-", "rollback-drills-"):
        kind = kind.removeprefix(start)
    what = next((said[name] for name in _SAYS if said.get(name)), "")
    return EvidenceRow(
        row.leaf_index,
        row.created_at,
        kind,
        row.original is not None,
        str(said.get("schedule_id") or ""),
        str(said.get("provider") or ""),
        str(said.get("owner") or ""),
        str(what),
        row.session_id,
        row.flow_run_id,
    )
