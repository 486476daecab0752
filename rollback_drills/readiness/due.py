"""When the next accepted drill must have happened."""

from datetime import datetime, timedelta
from typing import Final

from rollback_drills.documents.cadences.interval_cadence import EditedInterval
from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.schedule import Schedule
from rollback_drills.readiness.acceptance import CLOCK_SKEW, is_accepted

_AFTERWARDS: Final = timedelta(microseconds=1)
"""At its due time a drill is due, and not overdue yet."""


def find_latest(history: History) -> Drill | None:
    """Return the drill with the latest date, accepted or not; an undated one only if none has a date."""
    drills = history.drills
    dates = [drill.executed_at for drill in drills]
    latest_at = max(filter(None, dates), default=None)
    if latest_at is None:
        return drills[0] if drills else None
    return drills[dates.index(latest_at)]


def find_latest_accepted_at(history: History, *, now: datetime) -> datetime | None:
    """Return the time of the latest accepted drill."""
    return max(find_accepted(history, now=now), default=None)


def derive_due(schedule: Schedule, history: History | None, *, now: datetime) -> datetime | None:
    """Return the due time in UTC, by the policy of the schedule (contract §3 for the explicit one).

    None if it is not known, or if it leaves the year 9999. If the policy needs a cadence and there is no
    usable one, the due time is the one that is written.
    """
    cadence = schedule.cadence
    accepted = find_accepted(history, now=now) if history and cadence.depends_on_drills else ()
    try:
        return cadence.find_due(accepted)
    except OverflowError:
        return None


def find_written_due(schedule: Schedule, history: History, *, now: datetime) -> datetime | None:
    """Return where the accepted drills move a due time that is written: an interval after the latest one.

    None if no drill is accepted, or if the due time of the schedule is not one that is moved by an edit.

    Raises:
        OverflowError: It would leave the year 9999.
    """
    cadence = schedule.cadence
    if not isinstance(cadence, EditedInterval) or not cadence.is_usable:
        return None
    accepted_at = find_latest_accepted_at(history, now=now)
    return None if accepted_at is None else cadence.next_after(accepted_at)


def find_next_change(
    history: History | None, due_at: datetime | None, due_soon: timedelta, *, now: datetime
) -> datetime | None:
    """Return when the readiness of a schedule changes next, if its documents stay as they are.

    It changes when the drill is due soon, when it is overdue, and when a drill that is dated later begins to
    count. None if nothing of it lies ahead.
    """
    changes = [] if due_at is None else [due_at - due_soon, due_at + _AFTERWARDS]
    changes += [
        each.executed_at - CLOCK_SKEW for each in (history.drills if history else ()) if each.executed_at
    ]
    return min((each for each in changes if each > now), default=None)


def find_accepted(history: History, *, now: datetime) -> list[datetime]:
    """Return when the accepted drills were performed, the earliest first."""
    instants = (drill.executed_at for drill in history.drills if is_accepted(drill, now=now))
    return sorted(instant for instant in instants if instant is not None)
