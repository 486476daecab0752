"""Reads the calendars of people, which lie beside the document that names them."""

import os
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from rollback_drills.documents.busy_calendars.busy_calendar import CalendarAbsence, read_busy_times
from rollback_drills.documents.owner_calendars import OwnerCalendar
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.unusable_document import UnusableDocumentError

REASON: Final = "absent by the calendar"
LARGEST_CALENDAR_BYTES: Final = 1024 * 1024

P = TypeVar("P", bound=RoutingPolicy)


def read_calendars(policy: P, folder: str | None, read: Callable[[str, int], bytes]) -> P:
    """Return a document in which owners are absent when their calendars say so.

    Args:
        policy: The document.
        folder: Where it lies; None if it is no file.
        read: Reads a file of at most so many bytes, or raises an error that says why it cannot.

    Raises:
        UnusableDocumentError: A calendar cannot be read; says which, and how to fix it.
    """
    calendars = {}
    for owner, calendar in policy.owner_calendars.items():
        try:
            calendars[owner] = _add(calendar, folder, read) if calendar.ics else calendar
        except UnusableDocumentError as error:
            place = json_path(("owner_calendars", owner, "ics"))
            raise UnusableDocumentError(f"{place} is {show(calendar.ics)}, which {error}") from None
    return msgspec.structs.replace(policy, owner_calendars=calendars)


def _add(calendar: OwnerCalendar, folder: str | None, read: Callable[[str, int], bytes]) -> OwnerCalendar:
    if folder is None:
        raise UnusableDocumentError("belongs to a document in a file; write the document into one")
    path = os.path.join(folder, calendar.ics)
    if not _is_below(path, folder):
        raise UnusableDocumentError("does not lie below the folder of the document; move it there")
    data = read(path, LARGEST_CALENDAR_BYTES)
    try:
        busy = read_busy_times(data, calendar.time_zone or "UTC")
    except ValueError as error:
        raise UnusableDocumentError(str(error)) from None
    absences = (*calendar.unavailable_windows, CalendarAbsence(reason=REASON, busy=busy))
    return msgspec.structs.replace(calendar, unavailable_windows=absences)


def _is_below(path: str, folder: str) -> bool:
    """Whether a path stays in a folder, wherever links lead."""
    top = os.path.realpath(folder)
    return os.path.commonpath((top, os.path.realpath(path))) == top
