"""The fields with the texts of a notification in ServiceNow: plain text, shown unchanged."""

import re
from typing import Final

from blocks.text import fit, one_line, plain_text, reference, shorten
from rollback_drills.notifications.notification import Notification

_LONGEST_TITLE: Final = 160  # short_description of a task
_LONGEST_CORRELATION: Final = 100
_LONGEST_TEXT: Final = 4000  # of a field, by default; the rest would be cut silently


def correlation(notification: Notification) -> str:
    """Name the cycle and owner in characters that cannot change a query."""
    return reference(notification, _LONGEST_CORRELATION)


def record_fields(notification: Notification, title: str) -> dict[str, str]:
    """Write the fields of a new record."""
    return {
        "short_description": shorten(one_line(f"{title} {notification.title}"), _LONGEST_TITLE),
        "description": fit(notification, plain_text, _LONGEST_TEXT),
        "correlation_id": correlation(notification),
        "correlation_display": _latest(notification),
    }


def work_note(notification: Notification) -> dict[str, str]:
    """Write the fields of a reminder or a closing message."""
    return {
        "work_notes": fit(notification, _note, _LONGEST_TEXT),
        "correlation_display": _latest(notification),
    }


def close_notes(notification: Notification) -> str:
    """Write the outcome for readers of the resolved record."""
    return fit(notification, plain_text, _LONGEST_TEXT)


def _latest(notification: Notification) -> str:
    """Name the latest notification in a field that can be read back, as work notes often cannot."""
    return f"rollback-drills {notification.notification_id}"


def _note(notification: Notification) -> str:
    return _without_code(f"{notification.title}\n\n{plain_text(notification)}")


def _without_code(text: str) -> str:
    """Break `[code]`, after which a work note is shown as HTML (glide.ui.security.allow_codetag)."""
    return re.sub(r"\[(/?code)", r"[ \1", text, flags=re.IGNORECASE)
