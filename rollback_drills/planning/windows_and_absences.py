"""What keeps a route silent at an instant, and until when: windows and owner calendars."""

from datetime import datetime
from functools import lru_cache
from itertools import chain, count
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.documents.calendars.recurrence import SEARCHED, SEARCHED_YEARS
from rollback_drills.documents.calendars.rule_parts import MOST_OCCURRENCES
from rollback_drills.documents.maintenance_windows import MaintenanceWindow, Period
from rollback_drills.documents.owner_calendars import OwnerCalendar
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.time_data import CalendarFile, TimeData, find_time_zone_version
from rollback_drills.documents.utc import write_instant
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notification import UTC_ZONE
from rollback_drills.planning.routes import Route
from rollback_drills.redaction.computed import Computed


class NamedWindow(msgspec.Struct, frozen=True, gc=False):
    """A maintenance window as a decision names it."""

    window_id: str
    start_at: Computed
    end_at: Computed
    reason: str


class OwnerAvailability(msgspec.Struct, frozen=True, gc=False):
    """Whether an owner is available, as a decision has it."""

    available: bool
    reason: str
    start_at: Computed | UnsetType = UNSET
    """When the absence begins; UNSET if there is none, or its period is not known."""
    end_at: Computed | UnsetType = UNSET


class Absence(msgspec.Struct, frozen=True, gc=False):
    """Why an owner is absent; without a period no end is known."""

    reason: str
    period: Period | None

    def write(self) -> OwnerAvailability:
        """Write the absence as a decision has it."""
        if self.period is None:
            return OwnerAvailability(available=False, reason=self.reason)
        start_at, end_at = write_instant(self.period.start_at), write_instant(self.period.end_at)
        return OwnerAvailability(available=False, reason=self.reason, start_at=start_at, end_at=end_at)


class Deferral(msgspec.Struct, frozen=True, gc=False):
    """Until when a route stays silent."""

    until: datetime | None
    """None if that is not known."""
    note: str = ""
    """Why it is not known, for the end of a sentence; empty if the reason says so itself."""


_ENDLESS: Final = Deferral(None, f"; no end within {SEARCHED_YEARS} years")


class Suppressions:
    """The windows and calendars of a schedule and of the caller's policy; it only adds (contract §8.10)."""

    def __init__(self, schedule_id: str, *sources: RoutingPolicy | None) -> None:
        """Gather what applies to one schedule.

        Args:
            schedule_id: The schedule, for windows that name schedules.
            sources: The schedule document first, then the caller's policy.
        """
        self._windows: list[MaintenanceWindow] = []
        self._written: tuple[MaintenanceWindow, NamedWindow] | None = None
        self._calendars: dict[str, list[OwnerCalendar]] = {}
        self.names_providers = False
        """Whether any window holds for some providers only."""
        self._recurs = False
        """Whether any window or absence recurs."""
        for source in sources:
            if source is None:
                continue
            for window in source.maintenance_windows:
                if not window.schedule_ids or matches(window.schedule_ids, schedule_id):
                    self._windows.append(window)
                    self.names_providers = self.names_providers or bool(window.providers)
                    self._recurs = self._recurs or window.recurrence is not None
            for owner, calendar in source.owner_calendars.items() if source.owner_calendars else ():
                self._calendars.setdefault(name_key(owner), []).append(calendar)
                absences = calendar.unavailable_windows
                self._recurs = self._recurs or any(each.repeats is not None for each in absences)

    def write(self, window: MaintenanceWindow) -> NamedWindow:
        """Write a window as a decision names it; one that suppresses several routes is written once."""
        if self._written is None or self._written[0] is not window:
            start_at, end_at = write_instant(window.start_at), write_instant(window.end_at)
            self._written = window, NamedWindow(window.window_id, start_at, end_at, window.reason)
        return self._written[1]

    def find_window(self, route: Route, instant: datetime) -> MaintenanceWindow | None:
        """Return the first window that contains the instant and matches the route; of one that recurs, when.

        Matchers compare names by their keys, and all that are not empty must match (contract §4).
        """
        for window in self._windows:
            is_fixed = window.recurrence is None
            if is_fixed and not window.start_at <= instant < window.end_at:
                continue  # nearly every window
            if (window.owners and not matches(window.owners, route.owner)) or (
                window.providers and not matches(window.providers, route.provider)
            ):
                continue
            if occurrence := window if is_fixed else window.find_occurrence(instant):
                return occurrence
        return None

    def find_absence(self, owner: str, instant: datetime) -> Absence | None:
        """Return the first reason why the owner cannot be notified at a time."""
        if not self._calendars:
            return None
        for calendar in self._calendars.get(name_key(owner), ()):
            if not calendar.available:
                return Absence(calendar.reason or "marked as not available", None)
            for period in calendar.unavailable_windows:
                if occurrence := period.find_occurrence(instant):
                    return Absence(period.reason or calendar.reason or "not available", occurrence)
        return None

    def find_time_zone(self, owner: str) -> str:
        """Return the time zone in which an owner works; the caller's policy wins, and UTC without any."""
        calendars = self._calendars.get(name_key(owner), ())
        return next((each.time_zone for each in reversed(calendars) if each.time_zone), UTC_ZONE)

    def is_never_available(self, owner: str) -> bool:
        """Whether an owner is marked as not available, so that no absence of theirs has an end."""
        return any(not calendar.available for calendar in self._calendars.get(name_key(owner), ()))

    def find_change(self, owner: str, instant: datetime) -> datetime | None:
        """Return when a window, or an absence of the owner, begins or ends next; None if nothing changes."""
        calendars = self._calendars.get(name_key(owner), ())
        absences = (period for calendar in calendars for period in calendar.unavailable_windows)
        changes = (each.find_change(instant) for each in (*self._windows, *absences))
        return min(filter(None, changes), default=None)

    def defer(self, route: Route, now: datetime) -> Deferral:
        """Return the first instant from `now` on at which nothing keeps the route silent.

        Periods that recur can follow each other for ever, so the search ends after some years.
        """
        instant = now
        for hops in count(1):
            window = self.find_window(route, instant)
            absence = None if window else self.find_absence(route.owner, instant)
            if window:
                instant = window.end_at
            elif absence is None:
                return Deferral(instant)
            elif absence.period is None:
                return Deferral(None)
            else:
                instant = absence.period.end_at
            if (instant - now > SEARCHED or hops == MOST_OCCURRENCES) and self._recurs:
                return _ENDLESS
        raise AssertionError

    def find_time_data(self) -> TimeData | UnsetType:
        """Return with which data windows and absences that recur are found; UNSET if none recurs."""
        if not self._recurs:
            return UNSET
        files = {
            CalendarFile(calendar.ics, absence.repeats.sha256)
            for calendar in chain.from_iterable(self._calendars.values())
            for absence in calendar.unavailable_windows
            if absence.repeats and absence.repeats.sha256
        }
        return TimeData(find_time_zone_version(), calendars=tuple(sorted(files)))


@lru_cache(maxsize=4096)
def matches(names: tuple[str, ...], name: str) -> bool:
    """Whether a matcher of a window matches a name: an empty one matches every name.

    The same few names stand in many windows, and are asked for again and again.
    """
    return not names or name_key(name) in map(name_key, names)
