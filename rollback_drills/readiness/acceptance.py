"""Whether a drill is accepted, and so moves the due time: the criteria of contract §8.3."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.documents.fields import tidy
from rollback_drills.documents.history import Drill
from rollback_drills.documents.quotation import is_written, state
from rollback_drills.documents.utc import write_instant
from rollback_drills.readiness.checklist import Requirement

CLOCK_SKEW: Final = timedelta(minutes=5)
PASSED: Final = "go_rollback_drill_latest_passed"
TARGET: Final = "go_rollback_drill_disabled_target"
FALLBACK: Final = "go_rollback_drill_fallback_verified"
RECOVERY: Final = "go_rollback_drill_recovery_sla"
_PASSES: Final = "pass"
_DISABLED: Final = "disabled"


def _miss_recovery_target(drill: Drill) -> str:
    if is_recovery_target_met(drill):
        return ""
    took, limit = state(tidy(drill.recovery_minutes)), state(tidy(drill.max_recovery_minutes))
    return (
        f"recovery_minutes {took}, max_recovery_minutes {limit};"
        " both are needed, and the first must not exceed the second"
    )


def _write_verified(drill: Drill) -> str:
    return "fallback_verified is " + ("missing" if drill.fallback_verified is None else "false")


NEEDED: Final = (
    Requirement[Drill](
        "executed_at",
        lambda drill: (
            "" if drill.executed_at else "executed_at is missing; write when the drill was performed"
        ),
    ),
    Requirement[Drill](
        "runbook_ref",
        lambda drill: (
            ""
            if is_written(drill.runbook_ref)
            else f"runbook_ref {state(drill.runbook_ref)}; name the runbook that was followed"
        ),
    ),
    Requirement[Drill](
        "evidence_refs",
        lambda drill: (
            ""
            if is_written(*drill.evidence_refs)
            else f"evidence_refs {state(drill.evidence_refs)}; name the evidence that was kept"
        ),
    ),
)
"""What must be written about a drill; the check of the history's file names it."""

OUTCOME: Final = (
    Requirement[Drill](
        PASSED,
        lambda drill: "" if drill.status == _PASSES else f'status {state(drill.status)}; must be "{_PASSES}"',
        "the latest drill passed",
    ),
    Requirement[Drill](
        TARGET,
        lambda drill: (
            ""
            if drill.target_mode == _DISABLED
            else f'target_mode {state(drill.target_mode)}; must be "{_DISABLED}"'
        ),
        "the latest drill ended in disabled mode",
    ),
    Requirement[Drill](
        FALLBACK,
        lambda drill: "" if drill.fallback_verified else f"{_write_verified(drill)}; must be true",
        "the fallback was verified",
    ),
    Requirement[Drill](RECOVERY, _miss_recovery_target, "the recovery took no longer than it was allowed to"),
)
"""How a drill must have ended; each has a check of its own."""


def is_in_future(drill: Drill, *, now: datetime) -> bool:
    """Whether the drill is dated later than clocks can differ (contract §8.3)."""
    return drill.executed_at is not None and drill.executed_at - now > CLOCK_SKEW


def explain_future(said_at: datetime, *, now: datetime) -> str:
    """Return what is wrong with a time at which something was done or decided; empty if it has passed."""
    if said_at - now <= CLOCK_SKEW:
        return ""
    return "is in the future; write a time that has passed, or leave it out"


def is_recovery_target_met(drill: Drill) -> bool:
    """Whether the rollback took no longer than it was allowed to; unknown is no."""
    return (
        drill.recovery_minutes is not None
        and drill.max_recovery_minutes is not None
        and drill.recovery_minutes <= drill.max_recovery_minutes
    )


def is_accepted(drill: Drill, *, now: datetime) -> bool:
    """Whether the drill meets every criterion of contract §8.3, and so moves the due time.

    It does exactly if `find_problems` finds none; to word problems takes ten times as long.
    """
    return bool(
        drill.status == _PASSES
        and drill.target_mode == _DISABLED
        and drill.fallback_verified
        and is_recovery_target_met(drill)
        and is_written(drill.runbook_ref, *drill.evidence_refs)
        and drill.evidence_refs
        and drill.executed_at is not None
        and drill.executed_at - now <= CLOCK_SKEW
    )


def find_problems(drill: Drill, *, now: datetime) -> list[str]:
    """Return all that keeps a drill from being accepted, the most basic first; empty if it is accepted."""
    return [*find_basic(drill, now=now), *find_unmet(drill).values()]


def find_basic(drill: Drill, *, now: datetime) -> Iterator[str]:
    """Yield what no check of the report stands for."""
    yield from find_missing(drill)
    if drill.executed_at is not None and is_in_future(drill, now=now):
        yield f"executed_at is {write_instant(drill.executed_at)}; a drill cannot be in the future"


def find_missing(drill: Drill) -> Iterator[str]:
    """Yield what is needed and not written."""
    return filter(None, (each.missing(drill) for each in NEEDED))


def find_unmet(drill: Drill) -> dict[str, str]:
    """Return, by the id of the check, how the outcome of a drill of any age falls short."""
    return {each.id: missing for each in OUTCOME if (missing := each.missing(drill))}
