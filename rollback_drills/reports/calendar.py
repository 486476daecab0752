"""Writes the due instants of drills as an iCalendar file (RFC 5545)."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from icalendar import Calendar, Event

from rollback_drills import PRODUCT
from rollback_drills.readiness.judgement import Judgement

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


def build_calendar(judgements: Sequence[Judgement], *, now: datetime) -> bytes:
    """Write one event for each schedule whose due instant is known; the same cycle is the same event.

    Args:
        judgements: What was judged, in the order of the events.
        now: When the calendar is made, aware.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//{PRODUCT}//drills//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Rollback drills")
    for judgement in judgements:
        if judgement.schedule.next_due_at:
            calendar.add_component(_build_event(judgement, now))
    written: bytes = calendar.to_ical()
    return written


def _build_event(judgement: Judgement, now: datetime) -> Event:
    schedule = judgement.schedule
    state = judgement.readiness.replace("_", " ")
    event = Event()
    event.add("uid", f"{judgement.cycle.cycle_id}@{PRODUCT}")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", datetime.fromisoformat(schedule.next_due_at))
    event.add("summary", f"Rollback drill due: {_one_line(judgement.cycle.schedule_id)} ({state})")
    event.add("description", "\n".join(_describe(judgement, state)))
    event.add("transp", "TRANSPARENT")  # a drill that is due keeps nobody from meeting
    return event


def _describe(judgement: Judgement, state: str) -> Iterator[str]:
    schedule = judgement.schedule
    yield f"State: {state}"
    yield f"Owners: {', '.join(map(_one_line, schedule.owners)) or 'none'}"
    if schedule.environment:
        yield f"Environment: {_one_line(schedule.environment)}"
    if schedule.runbook_ref:
        yield f"Runbook: {_one_line(schedule.runbook_ref)}"
    yield f"Found: {_one_line(schedule.message)}"


def _one_line(text: str) -> str:
    """Put spaces for control characters, which no text of a calendar may hold."""
    return _CONTROL.sub(" ", text).strip()
