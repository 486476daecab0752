"""Why a route is notified or suppressed: the words of contract §4, which records and filters use too."""

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What a plan does with a route."""

    DELIVER = "deliver"
    SUPPRESS = "suppress"


class Category(StrEnum):
    """Why a route is notified or suppressed."""

    DELIVER = "deliver"
    HEALTHY_SCHEDULE = "healthy_schedule"
    MAINTENANCE_WINDOW = "maintenance_window"
    OWNER_CALENDAR = "owner_calendar"
    ALREADY_NOTIFIED = "already_notified"
    OTHER = "other"

    @property
    def is_deferral(self) -> bool:
        """Whether the notification is delivered when the window or absence ends."""
        return self in _DEFERRALS


_DEFERRALS: Final = (Category.MAINTENANCE_WINDOW, Category.OWNER_CALENDAR)
