"""Describes the latest drill to somebody who is notified: when it was, and why it does not count."""

from collections.abc import Iterator

from rollback_drills.readiness.reports import HistoryFacts
from rollback_drills.rendering.times import write_minutes


def describe_latest_drill(history: HistoryFacts) -> str:
    """Return name, time and verdict of the latest drill; empty if there is none.

    An old drill is described as accepted: the due time says that it is too old.
    """
    if not history.drill_count:
        return ""
    drill = history.latest_drill_id or "without an id"
    when = f"{drill}, {history.latest_executed_at or 'without a date'}"
    faults = "; ".join(_find_faults(history))
    return f"{when}: not accepted ({faults})" if faults else f"{when}: accepted"


def _find_faults(history: HistoryFacts) -> Iterator[str]:
    """Yield what an accepted drill has and this one lacks (contract §8.3)."""
    if history.latest_status != "pass":
        yield f"status {history.latest_status or 'missing'}"
    if history.latest_target_mode != "disabled":
        yield f"ended in mode {history.latest_target_mode or 'unknown'}, not disabled"
    if not history.fallback_verified:
        yield "fallback not verified"
    if not history.recovery_sla_met:
        yield _explain_recovery(history)
    if not history.runbook_ref:
        yield "no runbook"
    if not history.evidence_refs:
        yield "no evidence"
    if not history.latest_executed_at:
        yield "no date"
    elif history.age_days is not None and history.age_days < 0 and not history.fresh:
        yield "dated in the future"


def _explain_recovery(history: HistoryFacts) -> str:
    took, limit = history.recovery_minutes, history.max_recovery_minutes
    if took is None:
        return "recovery time unknown"
    if limit is None:
        return f"recovery took {write_minutes(took)}, no limit given"
    return f"recovery took {write_minutes(took)}, at most {write_minutes(limit)}"
