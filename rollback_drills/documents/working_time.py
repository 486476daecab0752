"""When an owner works: days and hours by the clock on the wall of a time zone."""

from datetime import date, time
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta

from rollback_drills.documents.fields import Document

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HourAndMinute = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class BusinessHours(Document, frozen=True, gc=False, omit_defaults=True):
    """From when until when an owner works, and on which days."""

    start: _HourAndMinute = "09:00"
    end: _HourAndMinute = "17:00"
    days: Annotated[tuple[Day, ...], Meta(min_length=1)] = WEEK[:5]

    def __post_init__(self) -> None:
        """Ensure that the working day ends after it begins."""
        if self.end <= self.start:
            raise ValueError(
                f"end {self.end} is not later than start {self.start}; a day ends before midnight"
            )


class WorkingTime(Document, frozen=True, gc=False, omit_defaults=True):
    """The business hours of one owner in a time zone."""

    time_zone: str = "UTC"
    hours: BusinessHours = BusinessHours()

    @property
    def start(self) -> time:
        """When the working day begins, on the wall."""
        return time.fromisoformat(self.hours.start)

    @property
    def end(self) -> time:
        """When it ends."""
        return time.fromisoformat(self.hours.end)

    def is_working_day(self, day: date) -> bool:
        """Whether the owner works on this day of the zone."""
        return WEEK[day.weekday()] in self.hours.days


def check_time_zone(name: str) -> None:
    """Ensure that a time zone is known.

    Raises:
        ValueError: It is not.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"time_zone {name!r} is unknown; write a name such as Europe/Berlin or UTC"
        ) from None
