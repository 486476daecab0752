"""When a route that was told already in this cycle is told again (contract §8.8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.readiness.terms import Readiness

REPEAT_AFTER: Final = {
    Readiness.DUE_SOON: timedelta(days=7),
    Readiness.NEEDS_ATTENTION: timedelta(days=1),
}
_SEVERITY: Final = {Readiness.DUE_SOON: 1, Readiness.NEEDS_ATTENTION: 2}


@dataclass(frozen=True, slots=True)
class Told:
    """The last notification of a route that a provider took."""

    at: datetime
    """The instant of its plan."""
    status: Readiness


def quiet_until(told: Told | None, status: Readiness, *, now: datetime) -> datetime | None:
    """Say until when a route stays quiet because it was told; None if it may be told now.

    A state that got worse is told at once.
    """
    if told is None or _SEVERITY.get(status, 0) > _SEVERITY.get(told.status, 0):
        return None
    until = told.at + REPEAT_AFTER.get(status, timedelta(0))
    return until if now < until else None
