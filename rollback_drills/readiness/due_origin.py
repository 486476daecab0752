"""Says for people where the due time of a schedule comes from; `due` computes it."""

from datetime import datetime
from operator import itemgetter

from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.schedule import Schedule
from rollback_drills.readiness.acceptance import is_accepted


def explain_due(schedule: Schedule, history: History | None, *, now: datetime) -> str:
    """Return where the due time comes from, as a sentence without its full stop."""
    return schedule.cadence.explain_due(_find_latest(history, now=now))


def _find_latest(history: History | None, *, now: datetime) -> Drill | None:
    drills = history.drills if history else ()
    accepted = (
        (each.executed_at, each) for each in drills if each.executed_at and is_accepted(each, now=now)
    )
    return max(accepted, key=itemgetter(0), default=(None, None))[1]
