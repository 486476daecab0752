"""The drills of a schedule: those of its history, and those that only the evidence still has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from rollback_drills.documents.history import Drill, History
from rollback_drills.evidence.drills import write_drill
from rollback_drills.evidence.index import LedgerRow
from rollback_drills.names.keys import name_key
from rollback_drills.readiness.acceptance import find_problems, is_accepted


class ShownDrill(msgspec.Struct, frozen=True, gc=False):
    """What the page of a schedule shows of a drill, as documents have it."""

    actor: str | None = None
    source_mode: str | None = None
    target_mode: str | None = None
    recovery_minutes: float | int | None = None
    max_recovery_minutes: float | int | None = None
    evidence_refs: Sequence[str] | None = None
    executed_at: str = ""


class RecordedDrill(LedgerRow, frozen=True, gc=False, kw_only=True):
    """The record of a drill; the first versions wrote neither its time beside it nor its problems."""

    session_id: str
    drill_id: str
    executed_at: str = ""
    accepted: bool
    problems: Sequence[str] = ()
    drill: ShownDrill


@dataclass(frozen=True, slots=True)
class DrillRow:
    """One drill, of the history or of the evidence."""

    drill_id: str
    executed_at: datetime | None
    is_accepted: bool
    problems: Sequence[str]
    drill: ShownDrill
    in_history: bool
    evidence: RecordedDrill | None
    """Its newest record; None if the evidence does not have it yet."""


def find_drill_rows(
    history: History | None, recorded: Sequence[RecordedDrill], *, now: datetime
) -> list[DrillRow]:
    """Return every drill of the history and of the evidence, the newest first.

    Args:
        history: The document; None if there is none, or it cannot be read.
        recorded: The records of drills, the newest first.
        now: The instant.
    """
    by_id: dict[str, RecordedDrill] = {}
    for record in recorded:
        by_id.setdefault(name_key(record.drill_id), record)
    rows = [
        _of_history(drill, by_id.pop(name_key(drill.drill_id), None), now) for drill in _drills_of(history)
    ]
    rows += [_of_evidence(record) for record in by_id.values()]
    return sorted(rows, key=lambda row: (row.executed_at is not None, row.executed_at), reverse=True)


def _drills_of(history: History | None) -> Sequence[Drill]:
    return history.drills if history else ()


def _of_history(drill: Drill, record: RecordedDrill | None, now: datetime) -> DrillRow:
    return DrillRow(
        drill.drill_id,
        drill.executed_at,
        is_accepted(drill, now=now),
        find_problems(drill, now=now),
        msgspec.convert(write_drill(drill), ShownDrill),
        True,
        record,
    )


def _of_evidence(record: RecordedDrill) -> DrillRow:
    executed_at = record.executed_at or record.drill.executed_at
    return DrillRow(
        record.drill_id,
        datetime.fromisoformat(executed_at) if executed_at else None,
        record.accepted,
        record.problems,
        record.drill,
        False,
        record,
    )
