"""Says in a few words what a record of the evidence is about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.evidence.written_record import WrittenRecord, object_of, text_of

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


def describe_record(record: WrittenRecord) -> EvidenceRow:
    """Describe a record as the index finds it; an imported one is what it was.

    Whatever somebody changed in a row, the others are listed: a text that is none is empty.
    """
    original = object_of(record, "original")
    said = original or record
    kind = text_of(said, "metadata_kind")
    for start in ("go-backend-rollback-drill-", "rollback-drills-"):
        kind = kind.removeprefix(start)
    what = next((said[name] for name in _SAYS if said.get(name)), "")
    return EvidenceRow(
        int(str(record["leaf_index"])),
        datetime.fromisoformat(text_of(record, "created_at")),
        kind,
        bool(original),
        text_of(said, "schedule_id"),
        text_of(said, "provider"),
        text_of(said, "owner"),
        str(what),
        text_of(record, "session_id"),
        text_of(record, "flow_run_id"),
    )
