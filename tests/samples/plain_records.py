"""Records of any kind with any content, also such as no version writes."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.database.connections import Database
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record import RECORD_SCHEMA, Record


def start_record(kind: str, session_id: str, *, created_at: datetime, signer: str) -> dict[str, Any]:
    """Return what every record carries."""
    return {
        "schema_version": RECORD_SCHEMA,
        "product": PRODUCT,
        "session_id": session_id,
        "created_at": write_instant(created_at),
        "metadata_kind": kind,
        "signer": signer,
    }


def read_plain(database: Database, kind: str | None = None, *, limit: int = 10_000) -> list[dict[str, Any]]:
    """Return the records of a kind as plain values, the newest first; of all kinds if it is None."""
    found, _ = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=kind), limit=limit)
    return list(map(dict, found))


def as_record(plain: Mapping[str, Any]) -> Record:
    """Return a record that is written as these plain values."""
    facts = {name: value for name, value in plain.items() if name != "metadata_kind"}
    further = tuple(name for name in facts if name not in Record.__struct_fields__)
    return _kind(plain["metadata_kind"], further)(**facts)


@cache
def _kind(name: str, fields: tuple[str, ...]) -> type[Record]:
    made: type[Record] = msgspec.defstruct(  # type: ignore[assignment]  # it has the base
        "AnyRecord", [(each, Any) for each in fields], bases=(Record,), tag=name, frozen=True, kw_only=True
    )
    return made
