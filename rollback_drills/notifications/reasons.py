"""Why a notification is sent."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why a route is notified: each notification has one."""

    FIRST = "first"
    WORSE = "worse"
    REPEAT = "repeat"
    DEFERRED = "deferred"
    ESCALATED = "escalated"
    RESOLVED = "resolved"

    @property
    def in_words(self) -> str:
        """The reason as a message has it."""
        return _WORDS[self]


_WORDS: Final = {
    Reason.FIRST: "first notification",
    Reason.WORSE: "overdue since the last notification",
    Reason.REPEAT: "reminder",
    Reason.DEFERRED: "deferred until a window or an absence ended",
    Reason.ESCALATED: "escalated, since nobody acknowledged in time",
    Reason.RESOLVED: "resolved",
}
