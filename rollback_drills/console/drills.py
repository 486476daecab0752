"""The drills of a schedule: those of its history, and those that only the evidence still has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rollback_drills.documents.history import Drill, History
from rollback_drills.evidence.drills import write_drill
from rollback_drills.readiness.acceptance import find_problems, is_accepted
from rollback_drills.readiness.terms import Report


@dataclass(frozen=True, slots=True)
class DrillRow:
    """One drill, of the history or of the evidence."""

    drill_id: str
    executed_at: datetime | None
    is_accepted: bool
    problems: Sequence[str]
    drill: Report
    """As the documents have it."""
    in_history: bool
    evidence: Report | None
    """Its newest record; None if the evidence does not have it yet."""


def find_drill_rows(history: History | None, recorded: Sequence[Report], *, now: datetime) -> list[DrillRow]:
    """Return every drill of the history and of the evidence, the newest first.

    Args:
        history: The document; None if there is none, or it cannot be read.
        recorded: The records of drills, the newest first.
        now: The instant.
    """
    by_id: dict[str, Report] = {}
    for record in recorded:
        by_id.setdefault(record["drill_id"], record)
    rows = [_of_history(drill, by_id.pop(drill.drill_id, None), now) for drill in _drills_of(history)]
    rows += [_of_evidence(record) for record in by_id.values()]
    return sorted(rows, key=lambda row: (row.executed_at is not None, row.executed_at), reverse=True)


def _drills_of(history: History | None) -> Sequence[Drill]:
    return history.drills if history else ()


def _of_history(drill: Drill, record: Report | None, now: datetime) -> DrillRow:
    return DrillRow(
        drill.drill_id,
        drill.executed_at,
        is_accepted(drill, now=now),
        find_problems(drill, now=now),
        write_drill(drill),
        True,
        record,
    )


def _of_evidence(record: Report) -> DrillRow:
    executed_at = record["executed_at"]
    return DrillRow(
        record["drill_id"],
        datetime.fromisoformat(executed_at) if executed_at else None,
        record["accepted"],
        record["problems"],
        record["drill"],
        False,
        record,
    )
