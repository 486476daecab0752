"""Events in the order of time: as a list, and as places in a picture."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

WIDTH: Final = 1000
"""Of the picture of time, in its own units."""
_LONGEST_BACK: Final = timedelta(days=400)
_LONGEST_AHEAD: Final = timedelta(days=120)
_MARGIN: Final = timedelta(days=2)
_MOST_EVENTS: Final = 400


class Lane(StrEnum):
    """What an event is; the lanes of the picture, from above."""

    DUE = "due"
    DRILL = "drill"
    PAUSE = "window or exception"
    TOLD = "notification"
    ACKNOWLEDGED = "acknowledgement"
    ESCALATED = "escalation"


@dataclass(frozen=True, slots=True)
class Event:
    """Something at an instant, or from it on until another one."""

    at: datetime
    lane: Lane
    text: str
    is_bad: bool = False
    """Whether it is what nobody wants: a drill that was not accepted, a message that did not arrive."""
    until: datetime | None = None
    evidence: str = ""
    """The session that it has in the evidence; empty if it has none."""
    flow_run_id: str = ""
    """The run that sent it; empty if it is no notification, or no run is recorded."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An event in the picture, in its units."""

    event: Event
    x: float
    width: float
    """Of a period; 0 for an instant."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events, the newest first, and the part of time that the picture shows."""

    events: Sequence[Event]
    marks: Sequence[Mark]
    starts: datetime
    ends: datetime
    now_x: float
    ticks: Sequence[tuple[float, datetime]]
    """The first days of months."""


def place_events(found: Iterable[Event], *, now: datetime) -> Timeline:
    """Order events, choose the part of time that is shown, and place what lies in it.

    Args:
        found: The events in any order; those that are equal are one.
        now: The instant.
    """
    events = sorted(dict.fromkeys(found), key=lambda each: (each.at, each.lane), reverse=True)[:_MOST_EVENTS]
    instants = [each.at for each in events] + [each.until for each in events if each.until]
    starts = max(min([now, *instants]), now - _LONGEST_BACK) - _MARGIN
    ends = min(max([now, *instants]), now + _LONGEST_AHEAD) + _MARGIN
    span = (ends - starts).total_seconds()

    def place(instant: datetime) -> float:
        return round(min(max((instant - starts).total_seconds() / span, 0), 1) * WIDTH, 1)

    marks = [
        Mark(each, place(each.at), round(place(each.until) - place(each.at), 1) if each.until else 0)
        for each in events
        if each.at <= ends and (each.until or each.at) >= starts
    ]
    ticks = [(place(each), each) for each in _months(starts, ends)]
    return Timeline(events, marks, starts, ends, place(now), ticks)


def _months(starts: datetime, ends: datetime) -> Iterator[datetime]:
    month = datetime(starts.year, starts.month, 1, tzinfo=UTC)
    while month <= ends:
        if month >= starts:
            yield month
        month = (month + timedelta(days=32)).replace(day=1)
