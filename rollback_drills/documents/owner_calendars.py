"""When owners are absent, and where and when they work."""

from typing import Annotated

from msgspec import Meta

from rollback_drills.documents.calendars.working_time import BusinessHours, check_time_zone
from rollback_drills.documents.fields import UNSET, Document, UnsetType, fold_alias
from rollback_drills.documents.maintenance_windows import Period


class OwnerCalendar(Document, frozen=True, gc=False):
    """When one owner cannot be notified: always (`available: false`) or in the listed periods."""

    available: bool = True
    """Whether the owner can be notified at all."""
    reason: str = ""
    """Why the owner cannot be notified."""
    unavailable_windows: tuple[Period, ...] = ()
    """When the owner is absent."""
    time_zone: str | None = None
    """Where the owner works; UTC if it is absent."""
    business_hours: BusinessHours | None = None
    """When the owner works; counts for `after_business_hours`."""
    ics: Annotated[str, Meta(min_length=1)] = ""
    """The path of an iCalendar file below the folder of the document; the owner is absent at its events."""
    blackout_windows: tuple[Period, ...] | UnsetType = UNSET
    """The same as `unavailable_windows`."""

    def __post_init__(self) -> None:
        """Fold the other spelling, and see that the time zone is known."""
        fold_alias(self, "blackout_windows", "unavailable_windows", ())
        if self.time_zone is not None:
            check_time_zone(self.time_zone)
