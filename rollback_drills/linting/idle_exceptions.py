"""Finds exceptions of recurring windows and absences that have no effect."""

from collections.abc import Iterator

from rollback_drills.documents.quotation import json_path
from rollback_drills.documents.repeats import Location
from rollback_drills.documents.routing_policy import Period, RoutingPolicy


def find_idle_exceptions(policy: RoutingPolicy) -> Iterator[str]:
    """Yield path, day and remedy of every exception on whose day no occurrence would start."""
    for loc, period in _find_periods(policy):
        if period.recurrence is None:
            continue
        for index, day in enumerate(period.recurrence.except_days):
            if not period.recurrence.starts_on(day):
                place = json_path((*loc, "recurrence", "except", index))
                yield f"{place} is {day}, on which no occurrence starts; write the day of its start"


def _find_periods(policy: RoutingPolicy) -> Iterator[tuple[Location, Period]]:
    for index, window in enumerate(policy.maintenance_windows):
        yield ("maintenance_windows", index), window
    for owner, calendar in policy.owner_calendars.items():
        for index, absence in enumerate(calendar.unavailable_windows):
            yield ("owner_calendars", owner, "unavailable_windows", index), absence
