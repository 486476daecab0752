"""Says for people where the due time of a schedule comes from; `due` computes it."""

from datetime import datetime
from operator import itemgetter

from rollback_drills.documents.cadence import Interval
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.schedule import DuePolicy, Schedule
from rollback_drills.readiness.acceptance import is_accepted


def explain_due(schedule: Schedule, history: History | None, *, now: datetime) -> str:
    """Return where the due time comes from, as a sentence without its full stop."""
    cadence, first = schedule.cadence, schedule.next_due_at
    if not isinstance(cadence, Interval):
        return f"the first due time of {cadence.describe()} that no accepted drill has met"
    latest = _find_latest(history, now=now)
    if first is not None and (schedule.due_policy is DuePolicy.EXPLICIT or not cadence.moves_due):
        return f"written as $.next_due_at; due_policy is {schedule.due_policy}, so no drill moves it"
    if schedule.due_policy is DuePolicy.FIXED_SEQUENCE and first is not None:
        begins = write_instant(first)
        return f"the first of every {cadence.describe()} from {begins} on that no accepted drill has met"
    if latest is not None and latest.executed_at is not None and cadence.moves_due:
        performed = write_instant(latest.executed_at)
        return f"{cadence.describe()} after {latest.drill_id or 'the latest accepted drill'} of {performed}"
    if first is not None:
        return "written as $.next_due_at; no drill is accepted yet"
    return "not known: $.next_due_at is missing, and no drill is accepted"


def _find_latest(history: History | None, *, now: datetime) -> Drill | None:
    drills = history.drills if history else ()
    accepted = (
        (each.executed_at, each) for each in drills if each.executed_at and is_accepted(each, now=now)
    )
    return max(accepted, key=itemgetter(0), default=(None, None))[1]
