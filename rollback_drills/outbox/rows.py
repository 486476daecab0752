"""A row of the outbox as a value, and a notification as its text."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Final, Self

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement

from rollback_drills.documents.utc import from_seconds
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import NOTIFIED, State
from rollback_drills.readiness.states import Readiness

_logger = logging.getLogger(__name__)
_EARLIEST: Final = -62_135_596_800
_LATEST: Final = 253_402_300_799
Seconds = Annotated[float, Meta(ge=_EARLIEST, lt=_LATEST + 1)]
"""A time of the years 1 to 9999, in seconds since 1970."""


class OutboxRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
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
    planned_at: Seconds
    queued_at: Seconds
    state: State
    is_closed: bool
    due_at: Seconds | None
    attempt_count: int
    unanswered_count: int
    may_repeat: bool
    started_at: Seconds | None
    completed_at: Seconds | None
    status_code: int | None
    detail: str
    external_ref: str
    request: str
    notification: str

    def __post_init__(self) -> None:
        """Refuse a due time that is none; msgspec makes a `ValidationError` of it."""
        if self.cycle_due and datetime.fromisoformat(self.cycle_due).tzinfo is None:
            raise ValueError(f"cycle_due has no offset: {self.cycle_due!r}")

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Read a row of the table.

        Raises:
            msgspec.ValidationError: A column holds what the program does not write.
        """
        return msgspec.convert(_columns(row), cls)

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
            from_seconds(self.planned_at),
            self.state,
            self.is_closed,
            self.cycle_due,
            self.may_repeat,
        )


def holds_time(column: ColumnElement[float | None]) -> ColumnElement[bool]:
    """Return the condition that a column holds a time, and not what somebody wrote there instead."""
    return column.between(_EARLIEST, _LATEST)


_columns: Final = attrgetter(*OutboxRow.__struct_fields__)  # getattr by name takes five times as long


def decode_rows(rows: Iterable[Any], damaged: list[str] | None = None) -> Iterator[OutboxRow]:
    """Yield rows that somebody looks through; one that cannot be read is left out, and a warning names it.

    Args:
        rows: All columns of each.
        damaged: Takes the ids of the notifications that are left out.
    """
    for row in rows:
        try:
            item = OutboxRow.from_row(row)
        except msgspec.ValidationError as error:
            _logger.warning(
                "the row of %s in the outbox cannot be read (%s), and is left out; restore it from a backup",
                row.notification_id,
                error,
            )
            if damaged is not None:
                damaged.append(str(row.notification_id))
        else:
            yield item


_decoder: Final = msgspec.json.Decoder(Notification)
UNREADABLE: Final = "its text in the outbox cannot be read; restore the row from a backup"
UNREADABLE_TEXT: Final = (msgspec.MsgspecError, TypeError, ValueError, RecursionError)
"""What `read_notification` raises for a text that somebody changed."""


def find_notification(row: Any) -> Notification | None:
    """Return the notification of a row; None, and a warning that names it, if its text cannot be read."""
    try:
        return read_notification(row.notification)
    except UNREADABLE_TEXT as error:
        _logger.warning("%s is left out (%s): %s", row.notification_id, type(error).__name__, UNREADABLE)
        return None


def write_notification(notification: Notification) -> str:
    """Write a notification as the outbox keeps it."""
    return msgspec.json.encode(notification).decode()


def read_notification(text: str) -> Notification:
    """Read a notification back."""
    return _decoder.decode(text)
