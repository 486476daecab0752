"""Follows what drills have shown to be wrong: what is open, since when, and by when it is to be closed."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from rollback_drills.documents.history import Drill, Finding
from rollback_drills.documents.utc import write_instant
from rollback_drills.names.keys import name_key

_UNDATED: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = "9999"


class OpenFinding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a drill has shown to be wrong, and nobody has closed."""

    finding_id: str
    summary: str
    severity: str
    ticket: str
    drill_id: str
    """The first drill that names it."""
    opened_at: str
    """When that drill was performed; empty if it has no date."""
    due_at: str
    """By when it is to be closed; empty if nobody has said."""
    overdue: bool


def find_open_findings(drills: Iterable[Drill], *, now: datetime) -> tuple[OpenFinding, ...]:
    """Return the open findings of a schedule, those that are due first.

    A finding is known by its id in all drills of a schedule. The latest drill that names it says whether it
    is open: it is closed by `closed_at` there, which may be the drill that found it or a later one.
    """
    named = [each for each in drills if each.findings]
    if not named:
        return ()
    first: dict[str, Drill] = {}
    last: dict[str, Finding] = {}
    for drill in sorted(named, key=lambda each: each.executed_at or _UNDATED):
        for finding in drill.findings:
            key = name_key(finding.finding_id)
            first.setdefault(key, drill)
            last[key] = finding
    found = [_describe(each, first[key], now) for key, each in last.items() if each.closed_at is None]
    return tuple(sorted(found, key=lambda each: (each.due_at or _NEVER, each.opened_at, each.finding_id)))


def _describe(finding: Finding, drill: Drill, now: datetime) -> OpenFinding:
    return OpenFinding(
        finding_id=finding.finding_id,
        summary=finding.summary,
        severity=finding.severity,
        ticket=finding.ticket,
        drill_id=drill.drill_id,
        opened_at=write_instant(drill.executed_at) if drill.executed_at else "",
        due_at=write_instant(finding.due_at) if finding.due_at else "",
        overdue=finding.due_at is not None and finding.due_at < now,
    )
