"""Warns of cadences that end soon: afterwards nothing is due, and nobody is notified."""

from datetime import datetime, timedelta
from typing import Final

from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.rule_cadence import RuleCadence
from rollback_drills.documents.schedule import Schedule

_WARNED_BEFORE: Final = timedelta(days=92)
"""A quarter."""


def warn_of_end(schedule: Schedule, *, now: datetime) -> str:
    """Return that the cadence of a schedule ends within a quarter, or has ended; empty if it goes on."""
    cadence = schedule.cadence
    if not isinstance(cadence, RuleCadence) or not cadence.ends:
        return ""
    last = max(cadence.due_times())
    if last - now > _WARNED_BEFORE:
        return ""
    ends = "ended" if last < now else "ends"
    return f"$.cadence {ends} with {write_instant(last)}; then nothing is due any more, so extend the rule"
