"""What a notification was: as decisions look back on it, and how long it keeps a route quiet."""

from dataclasses import dataclass
from datetime import datetime

from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.readiness.states import Readiness


@dataclass(frozen=True, slots=True)
class SentNotification:
    """One notification of a route, as the outbox has it."""

    notification_id: str
    schedule_id: str
    cycle_id: str
    provider: str
    owner: str
    reason: Reason
    status: Readiness
    at: datetime
    """The instant of its plan."""
    state: State
    is_closed: bool = False
    """Whether the cycle was over for this route afterwards."""
    due_at: str = ""
    """The due instant of its cycle, as documents write it."""
    may_have_arrived: bool = False
    """Whether an attempt without an answer may have arrived; the state is that of the last attempt alone."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a route or a whole cycle is left alone for a time: it was acknowledged, or excepted."""

    until: datetime
    because: str
