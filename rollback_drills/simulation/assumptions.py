"""What people are assumed to do: when they perform drills, and when they acknowledge."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.documents.quotation import show
from rollback_drills.documents.schedule import Schedule
from rollback_drills.errors import UsageError
from rollback_drills.simulation.performed_drills import PerformedDrill

NEVER: Final = "never"
ON_TIME: Final = "on-time"
LONGEST_DELAY: Final = timedelta(days=366)
_LATE: Final = re.compile(r"late:(.*)", re.ASCII)
_AFTER: Final = re.compile(r"after:(.*)", re.ASCII)
_DURATION: Final = re.compile(r"([1-9]\d{0,5})([mhd])", re.ASCII)
_UNITS: Final[Mapping[str, timedelta]] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_ON_TIME: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What people do."""

    late_by: timedelta | None = _ON_TIME
    """How long after its due time each drill is performed; None: never."""
    performed: Mapping[str, Sequence[PerformedDrill]] = field(default_factory=dict)
    """By the key of the schedule: the drills that are performed besides, in their order."""
    acknowledged_after: timedelta | None = None
    """How long after each notification it is acknowledged; None: never."""

    def find_performance(self, schedule: Schedule, due_at: datetime) -> datetime | None:
        """Return when the drill that is due is performed; None if never."""
        if self.late_by is None:
            return None
        if self.late_by:
            return due_at + self.late_by
        return schedule.cadence.find_punctual(due_at)


def read_delay(text: str) -> timedelta | None:
    """Read when drills are performed: `never`, `on-time` or `late:3d`; no delay if it is on time.

    Raises:
        UsageError: It is none of them.
    """
    if text == NEVER:
        return None
    if text == ON_TIME:
        return _ON_TIME
    found = _LATE.fullmatch(text)
    return _read_duration(
        found[1] if found else "", text, "perform", f"{NEVER}, {ON_TIME}, late:3d or a file"
    )


def read_acknowledgement(text: str) -> timedelta | None:
    """Read when notifications are acknowledged: `never`, or `after:30m`.

    Raises:
        UsageError: It is neither.
    """
    if text == NEVER:
        return None
    found = _AFTER.fullmatch(text)
    return _read_duration(found[1] if found else "", text, "acknowledge", f"{NEVER} or after:30m")


def _read_duration(text: str, whole: str, field: str, known: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        units = "; a duration is a number with m, h or d"
        raise UsageError(f"is {show(whole)}; write {known}{units}", field=field)
    duration = int(found[1]) * _UNITS[found[2]]
    if duration > LONGEST_DELAY:
        raise UsageError(f"is {show(whole)}; at most {LONGEST_DELAY.days} days", field=field)
    return duration
