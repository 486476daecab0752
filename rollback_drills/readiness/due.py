"""When the next accepted drill must have happened."""

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.schedule import DuePolicy, Schedule

CLOCK_SKEW: Final = timedelta(minutes=5)
DAY: Final = timedelta(days=1)
_NO_TIME: Final = timedelta(0)
_executed_at: Final = attrgetter("executed_at")


def is_in_future(drill: Drill, *, now: datetime) -> bool:
    """Whether the drill is dated later than clocks can differ (contract §8.3)."""
    return drill.executed_at is not None and drill.executed_at - now > CLOCK_SKEW


def is_recovery_target_met(drill: Drill) -> bool:
    """Whether the rollback took no longer than it was allowed to; unknown is no."""
    return (
        drill.recovery_minutes is not None
        and drill.max_recovery_minutes is not None
        and drill.recovery_minutes <= drill.max_recovery_minutes
    )


def is_accepted(drill: Drill, *, now: datetime) -> bool:
    """Whether the drill meets every criterion of contract §8.3, and so moves the due instant."""
    return (
        drill.executed_at is not None
        and drill.status == "pass"
        and drill.target_mode == "disabled"
        and drill.fallback_verified
        and is_recovery_target_met(drill)
        and bool(drill.evidence_refs)
        and bool(drill.runbook_ref)
        and not is_in_future(drill, now=now)
    )


def find_latest(history: History) -> Drill | None:
    """Give the drill with the latest date, accepted or not; an undated one only if none has a date."""
    dated = [drill for drill in history.drills if drill.executed_at is not None]
    if not dated:
        return history.drills[0] if history.drills else None
    return max(dated, key=_executed_at)


def find_latest_accepted_at(history: History, *, now: datetime) -> datetime | None:
    """Give the instant of the latest accepted drill."""
    instants = (drill.executed_at for drill in history.drills if is_accepted(drill, now=now))
    return max((instant for instant in instants if instant is not None), default=None)


def derive_due(schedule: Schedule, history: History | None, *, now: datetime) -> datetime | None:
    """Give the due instant in UTC, by the policy of the schedule (contract §3 for the explicit one).

    None if it is not known, or if it leaves the year 9999. A policy that needs an interval and has no usable
    one leaves the due instant where it is written.
    """
    first = schedule.next_due_at
    if first is not None and schedule.due_policy is DuePolicy.EXPLICIT:
        return first.astimezone(UTC)
    interval = (schedule.interval_days or 0) * DAY
    if history is None or interval <= _NO_TIME:
        return first.astimezone(UTC) if first else None
    try:
        if schedule.due_policy is DuePolicy.FIXED_SEQUENCE:
            return _follow_sequence(first.astimezone(UTC), interval, history, now=now) if first else None
        accepted_at = find_latest_accepted_at(history, now=now)
        if accepted_at is None:
            return first.astimezone(UTC) if first else None
        return accepted_at.astimezone(UTC) + interval
    except OverflowError:
        return None


def _follow_sequence(first: datetime, interval: timedelta, history: History, *, now: datetime) -> datetime:
    """Give the first instant of the sequence that no accepted drill has met yet.

    A drill meets the next instant if it is less than an interval early, and with it all that it is late for.
    One that is earlier counts for nothing: the drills of a year cannot be performed in a day.
    """
    accepted = (drill.executed_at for drill in history.drills if is_accepted(drill, now=now))
    due_at = first
    for executed_at in sorted(instant for instant in accepted if instant is not None):
        if due_at - executed_at < interval:
            due_at = first + ((max(due_at, executed_at) - first) // interval + 1) * interval
    return due_at
