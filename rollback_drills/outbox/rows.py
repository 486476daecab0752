"""A row of the outbox as a value, and a notification as its text."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, Self

import msgspec

from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import NOTIFIED, State
from rollback_drills.readiness.terms import Readiness


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row of the outbox, as people and evidence need it."""

    sequence: int
    notification_id: str
    message_id: str
    route_key: str
    cycle_id: str
    schedule_id: str
    provider: str
    owner: str
    reason: Reason
    status: Readiness
    cycle_due: str
    planned_at: float
    queued_at: float
    state: State
    is_closed: bool
    due_at: float | None
    attempt_count: int
    unanswered_count: int
    may_repeat: bool
    started_at: float | None
    completed_at: float | None
    status_code: int | None
    detail: str
    external_ref: str
    request: str
    notification: str

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Read a row of the table."""
        values = list(_columns(row))
        for place, kind in _KINDS:
            values[place] = kind(values[place])
        return cls(*values)

    @property
    def is_imported(self) -> bool:
        """Whether it was delivered by the first version of this program, which kept no text of it."""
        return self.state in NOTIFIED and not self.notification

    def to_sent_notification(self) -> SentNotification:
        """Return what decisions on repeats need to know."""
        return SentNotification(
            self.notification_id,
            self.schedule_id,
            self.cycle_id,
            self.provider,
            self.owner,
            self.reason,
            self.status,
            datetime.fromtimestamp(self.planned_at, UTC),
            self.state,
            self.is_closed,
            self.cycle_due,
            self.may_repeat,
        )


_NAMES: Final = tuple(each.name for each in fields(OutboxRow))
_columns: Final = attrgetter(*_NAMES)  # whole outboxes are read, and getattr by name takes five times as long
_KINDS: Final = (
    (_NAMES.index("reason"), Reason),
    (_NAMES.index("status"), Readiness),
    (_NAMES.index("state"), State),
)


def write_notification(notification: Notification) -> str:
    """Write a notification as the outbox keeps it."""
    return msgspec.json.encode(notification).decode()


_decoder: Final = msgspec.json.Decoder(Notification)


def read_notification(text: str) -> Notification:
    """Read a notification back."""
    return _decoder.decode(text)
