"""Says what keeps one drill from being accepted: key, value and remedy."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rollback_drills.documents.explaining import show, state
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.history import Drill
from rollback_drills.readiness.due import is_in_future, is_recovery_target_met
from rollback_drills.readiness.terms import tidy

PASSED: Final = "go_rollback_drill_latest_passed"
TARGET: Final = "go_rollback_drill_disabled_target"
FALLBACK: Final = "go_rollback_drill_fallback_verified"
RECOVERY: Final = "go_rollback_drill_recovery_sla"


def find_problems(drill: Drill, *, now: datetime) -> list[str]:
    """Return all that keeps a drill from being accepted, the most basic first; empty if it is accepted."""
    return [*find_basic(drill, now=now), *find_unmet(drill).values()]


def find_basic(drill: Drill, *, now: datetime) -> Iterator[str]:
    """Yield what no check of the report stands for."""
    yield from find_missing(drill)
    if drill.executed_at is not None and is_in_future(drill, now=now):
        yield f"executed_at is {write_instant(drill.executed_at)}; a drill cannot lie in the future"


def find_missing(drill: Drill) -> Iterator[str]:
    """Yield what is needed and not written."""
    if drill.executed_at is None:
        yield "executed_at is missing; write when the drill was performed"
    if not drill.runbook_ref:
        yield 'runbook_ref is ""; name the runbook that was followed'
    if not drill.evidence_refs:
        yield "evidence_refs is []; name the evidence that was kept"


def find_unmet(drill: Drill) -> dict[str, str]:
    """Return, by the id of the check, what a drill of any age misses."""
    faults = {}
    if drill.status != "pass":
        faults[PASSED] = f'status is {show(drill.status)}; must be "pass"'
    if drill.target_mode != "disabled":
        faults[TARGET] = f'target_mode is {show(drill.target_mode)}; must be "disabled"'
    if not drill.fallback_verified:
        faults[FALLBACK] = "fallback_verified is false; must be true"
    if not is_recovery_target_met(drill):
        took, limit = state(tidy(drill.recovery_minutes)), state(tidy(drill.max_recovery_minutes))
        faults[RECOVERY] = (
            f"recovery_minutes {took}, max_recovery_minutes {limit};"
            " both are needed, and the first must not exceed the second"
        )
    return faults
