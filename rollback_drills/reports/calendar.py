"""Writes due times and maintenance windows as an iCalendar file (RFC 5545)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Final

from icalendar import Calendar, Event

from rollback_drills import PRODUCT
from rollback_drills.documents.maintenance_windows import MaintenanceWindow
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.utc import write_instant
from rollback_drills.names import ids
from rollback_drills.names.keys import is_same
from rollback_drills.planning.upcoming import find_following_dues
from rollback_drills.readiness.judgement import Judgement

_SHOWN: Final = 4
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


def build_calendar(
    judgements: Sequence[Judgement],
    schedules: Sequence[Schedule | None],
    *,
    now: datetime,
    owner: str = "",
    progress: Callable[[int], None] = lambda _: None,
) -> bytes:
    """Write the next four due times of each schedule, and the maintenance windows that are not over.

    Of a window that recurs, the next four occurrences are written. Retired schedules are left out.

    The same cycle is the same event, whether its drill is due next or later.

    Args:
        judgements: What was judged, in the order of the events.
        schedules: Their documents, in the same order; None for one that cannot be read.
        now: When the calendar is made, aware.
        owner: Only what concerns this owner; empty for all.
        progress: Is called with how many schedules are done.
    """

    def list_events() -> Iterator[Event]:
        for done, (judgement, schedule) in enumerate(zip(judgements, schedules, strict=True), start=1):
            if not judgement.cycle.retired:
                yield from _list_events(judgement, schedule, now, owner)
            progress(done)

    name = f"Rollback drills of {one_line(owner)}" if owner else "Rollback drills"
    return write_calendar(name, list_events())


def _list_events(
    judgement: Judgement, schedule: Schedule | None, now: datetime, owner: str
) -> Iterator[Event]:
    if owner and not _is_among(owner, judgement.schedule.owners):
        return
    if judgement.schedule.next_due_at:
        yield _build_event(judgement, now)
        for each in _list_later(judgement, schedule) if schedule else ():
            yield _build_later(judgement, each, now)
    for window in schedule.maintenance_windows if schedule else ():
        if owner and window.owners and not _is_among(owner, window.owners):
            continue
        for occurrence in islice(window.find_occurrences(now), _SHOWN):
            if occurrence.end_at > now:
                yield _build_window(judgement, occurrence, now)


def _is_among(owner: str, names: Sequence[str]) -> bool:
    return any(is_same(owner, each) for each in names)


def _list_later(judgement: Judgement, schedule: Schedule) -> Iterator[datetime]:
    """Return the due times after the next one."""
    return islice(find_following_dues(judgement, schedule), _SHOWN - 1)


def _build_event(judgement: Judgement, now: datetime) -> Event:
    schedule = judgement.schedule
    state = judgement.readiness.replace("_", " ")
    name = one_line(judgement.cycle.schedule_id)
    event = start_event(judgement.cycle.cycle_id, datetime.fromisoformat(schedule.next_due_at), now)
    event.add("summary", f"Rollback drill due: {name} ({state})")
    event.add("description", "\n".join(_describe(judgement, state)))
    return event


def _build_later(judgement: Judgement, due_at: datetime, now: datetime) -> Event:
    name = judgement.cycle.schedule_id
    event = start_event(ids.cycle_id(name, write_instant(due_at)), due_at, now)
    event.add("summary", f"Rollback drill planned: {one_line(name)}")
    event.add("description", "Due then, if the drills before it are performed when they are due")
    return event


def _build_window(judgement: Judgement, window: MaintenanceWindow, now: datetime) -> Event:
    name = one_line(judgement.cycle.schedule_id)
    start, end = write_instant(window.start_at), write_instant(window.end_at)
    known = sha256(f"{name}\n{window.window_id}\n{start}\n{end}".encode()).hexdigest()[:16]
    event = start_event(f"window-{known}", window.start_at.astimezone(UTC), now)
    event.add("dtend", window.end_at.astimezone(UTC))
    event.add("summary", f"Maintenance window of {name}: {one_line(window.window_id) or 'without an id'}")
    event.add("description", one_line(window.reason) or "no reason")
    return event


def write_calendar(name: str, events: Iterable[Event]) -> bytes:
    """Write a calendar. An event is twenty times as large as its text, so no more than one is in memory."""
    calendar = Calendar()
    calendar.add("prodid", f"-//{PRODUCT}//drills//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    begin, end, rest = calendar.to_ical().partition(b"END:VCALENDAR")
    return b"".join((begin, *(each.to_ical() for each in events), end, rest))


def start_event(uid: str, start: datetime, now: datetime) -> Event:
    """Begin an event that keeps nobody from meeting."""
    event = Event()
    event.add("uid", f"{uid}@{PRODUCT}")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", start)
    event.add("transp", "TRANSPARENT")
    return event


def _describe(judgement: Judgement, state: str) -> Iterator[str]:
    schedule = judgement.schedule
    yield f"State: {state}"
    yield f"Owners: {', '.join(map(one_line, schedule.owners)) or 'none'}"
    if schedule.environment:
        yield f"Environment: {one_line(schedule.environment)}"
    if schedule.runbook_ref:
        yield f"Runbook: {one_line(schedule.runbook_ref)}"
    yield f"Found: {one_line(schedule.message)}"


def one_line(text: str) -> str:
    """Put spaces for control characters, which no text of a calendar may hold."""
    return _CONTROL.sub(" ", text).strip()
