"""When the next accepted drill must have happened."""

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.schedule import Schedule

CLOCK_SKEW: Final = timedelta(minutes=5)
DAY: Final = timedelta(days=1)
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
    """Give the due instant in UTC: as written, else the latest accepted drill plus the interval.

    None if neither is known, or if the sum leaves the year 9999 (contract §3).
    """
    if schedule.next_due_at is not None:
        return schedule.next_due_at.astimezone(UTC)
    if history is None or schedule.interval_days is None or schedule.interval_days <= 0:
        return None
    accepted_at = find_latest_accepted_at(history, now=now)
    try:
        return accepted_at.astimezone(UTC) + schedule.interval_days * DAY if accepted_at else None
    except OverflowError:
        return None
