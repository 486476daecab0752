"""What a run commits to the outbox for the routes of a cycle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from rollback_drills.readiness.states import Readiness


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """What is to be committed for one route of a cycle."""

    notification_id: str
    route_key: str
    cycle_id: str
    schedule_id: str
    provider: str
    owner: str
    reason: Reason
    status: Readiness
    cycle_due: str
    planned_at: datetime
    notification: Notification
    is_kept_back: bool = False
    """Whether the route is silent now: the text is not sent, but kept for notifications to others."""
    replaces: Sequence[str] = ()
    """Notifications that must not have been sent; they become pointless."""
    closes: bool = False
    """Whether the route has left its cycle with this."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A route that is closed without a message, because nothing was delivered on it."""

    route_key: str
    replaces: Sequence[str]


@dataclass(frozen=True, slots=True)
class Hold:
    """A notification that waits for another attempt while a window or an absence keeps its route silent."""

    notification_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class CommittedPlan:
    """A plan that is committed with its notifications, until the evidence has it."""

    plan_id: str
    records: str
    """Of the plan and its decisions, redacted: a JSON array."""
