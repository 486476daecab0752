"""Writes a simulation as an iCalendar file: drills that are due, and who is notified."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from icalendar import Event

from rollback_drills.reports.calendar import one_line, start_event, write_calendar
from rollback_drills.simulation.happenings import Due, Notified
from rollback_drills.simulation.simulate import Simulation


def build_simulated_calendar(simulation: Simulation, *, now: datetime) -> bytes:
    """Write each due drill and each notification as an event.

    Args:
        simulation: What was simulated.
        now: When the calendar is made, aware.
    """
    return write_calendar("Simulated rollback drills", _make_events(simulation, now))


def _make_events(simulation: Simulation, now: datetime) -> Iterator[Event]:
    for number, each in enumerate(simulation.happenings):
        name = one_line(each.schedule_id)
        if isinstance(each, Due):
            what = f"Rollback drill due: {name}"
            about = f"Owners: {', '.join(map(one_line, each.owners)) or 'none'}"
        elif isinstance(each, Notified):
            what = f"{one_line(each.owner)} is notified through {one_line(each.provider)}: {name}"
            about = f"Reason: {each.reason}"
        else:
            continue
        known = sha256(f"{number}\n{each.at}\n{what}".encode()).hexdigest()[:16]
        event = start_event(f"simulated-{known}", datetime.fromisoformat(each.at), now)
        event.add("summary", what)
        event.add("description", about)
        yield event
