"""Finds times that are probably a mistake: long windows, exceptions without effect, changes far ahead."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from rollback_drills.documents.changes import Changes
from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.maintenance_windows import Period
from rollback_drills.documents.quotation import json_path
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.utc import write_instant

_YEAR: Final = timedelta(days=366)
_MINUTE: Final = timedelta(minutes=1)


def find_idle_exceptions(policy: RoutingPolicy) -> Iterator[str]:
    """Yield path, day and remedy of every exception on whose day no occurrence would start."""
    for loc, period in _find_periods(policy):
        if period.recurrence is None:
            continue
        for index, day in enumerate(period.recurrence.except_days):
            if not period.recurrence.starts_on(day):
                place = json_path((*loc, "recurrence", "except", index))
                yield f"{place} is {day}, on which no occurrence starts; write the day of its start"


def find_long_periods(policy: RoutingPolicy, *, now: datetime) -> Iterator[str]:
    """Yield path, times and remedy of every window and absence that silences people for more than a year."""
    for loc, period in _find_periods(policy):
        if period.recurrence is None and period.end_at > now and period.end_at - period.start_at > _YEAR:
            yield (
                f"{json_path(loc)} lasts more than a year, until {write_instant(period.end_at)}, and"
                " suppresses notifications; set an earlier end_at"
            )


def find_long_waits(policy: RoutingPolicy) -> Iterator[str]:
    """Yield path, minutes and remedy of every wait for an acknowledgement of more than a year."""
    for loc, minutes in _find_waits(policy):
        if minutes is not None and minutes * _MINUTE > _YEAR:
            yield (
                f"{json_path(loc)} is {tidy(minutes)}, more than a year in which nobody else is notified;"
                " write fewer minutes"
            )


def _find_waits(policy: RoutingPolicy) -> Iterator[tuple[Location, float | None]]:
    yield ("acknowledgement_minutes",), policy.acknowledgement_minutes
    if policy.default_slo:
        yield ("default_slo", "acknowledgement_minutes"), policy.default_slo.acknowledgement_minutes
    routes = policy.owner_routes
    rules = routes.items() if isinstance(routes, dict) else enumerate(routes)
    for key, rule in rules:
        yield ("owner_routes", key, "acknowledgement_minutes"), rule.acknowledgement_minutes
        for index, step in enumerate(rule.escalation_steps):
            yield ("owner_routes", key, "escalation_steps", index, "after_minutes"), step.after_minutes


def find_far_changes(changes: Changes, *, now: datetime) -> Iterator[str]:
    """Yield path, time and remedy of every change that makes no proof stale for more than a year."""
    for index, change in enumerate(changes.changes):
        if change.promoted_at - now > _YEAR:
            at = write_instant(change.promoted_at)
            yield (
                f"$.changes[{index}].promoted_at is {at}, and until then the change does not count; set an"
                " earlier time"
            )


def _find_periods(policy: RoutingPolicy) -> Iterator[tuple[Location, Period]]:
    for index, window in enumerate(policy.maintenance_windows):
        yield ("maintenance_windows", index), window
    for owner, calendar in policy.owner_calendars.items():
        for index, absence in enumerate(calendar.unavailable_windows):
            yield ("owner_calendars", owner, "unavailable_windows", index), absence
