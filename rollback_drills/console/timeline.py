"""What happened to a schedule and what will, in the order of time: as a list, and as places in a picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from rollback_drills.console.drills import DrillRow
from rollback_drills.console.fleet import FleetRow
from rollback_drills.console.records import ScheduleRecords
from rollback_drills.delivery.reasons import Reason
from rollback_drills.delivery.states import State
from rollback_drills.followup.exceptions import ExceptionKind
from rollback_drills.outbox.item import Item
from rollback_drills.readiness.terms import Report

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


def build_timeline(
    row: FleetRow,
    drills: Sequence[DrillRow],
    records: ScheduleRecords,
    windows: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> Timeline:
    """Put together what is known of a schedule.

    Args:
        row: How it stands.
        drills: Its drills.
        records: What the evidence has.
        windows: The maintenance windows of its document.
        now: The instant.
    """
    found = [
        *_due_instants(row, records),
        *_drills(drills),
        *_windows(windows, records, row.schedule_id),
        *map(_exception, records.exceptions),
        *(_notification(item) for item in records.notifications if item.state is not State.SUPERSEDED),
        *map(_acknowledgement, records.acknowledgements),
    ]
    # `found` may name a window twice: as the document has it, and as a plan did
    events = sorted(dict.fromkeys(found), key=lambda each: (each.at, each.lane), reverse=True)[:_MOST_EVENTS]
    return place_events(events, now=now)


def place_events(events: Sequence[Event], *, now: datetime) -> Timeline:
    """Choose the part of time that is shown, and place what lies in it."""
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


def _due_instants(row: FleetRow, records: ScheduleRecords) -> Iterator[Event]:
    written = {plan["plan"]["next_due_at"] for plan in records.plans}
    written |= {item.cycle_due for item in records.notifications}
    instants = {datetime.fromisoformat(each) for each in written if each}
    for instant in instants | ({row.due_at} if row.due_at else set()):
        current = " (current cycle)" if instant == row.due_at else ""
        yield Event(instant, Lane.DUE, f"drill due{current}")


def _drills(drills: Sequence[DrillRow]) -> Iterator[Event]:
    for each in drills:
        if each.executed_at is not None:
            name = each.drill_id or "without an id"
            said = "accepted" if each.is_accepted else f"not accepted: {'; '.join(each.problems)}"
            session = each.evidence["session_id"] if each.evidence else ""
            at = each.executed_at.astimezone(UTC)
            yield Event(at, Lane.DRILL, f"drill {name} {said}", not each.is_accepted, evidence=session)


def _windows(
    windows: Sequence[Mapping[str, Any]], records: ScheduleRecords, schedule_id: str
) -> Iterator[Event]:
    """Give the windows of the document, and those that plans have named since."""
    for each in windows:
        names = [name.casefold() for name in each.get("schedule_ids", ())]
        if not names or schedule_id.casefold() in names:
            yield _window(each)
    for plan in records.plans:
        for decision in plan["plan"]["route_decisions"]:
            if decision["maintenance_window"]:
                yield _window(decision["maintenance_window"])


def _window(window: Mapping[str, Any]) -> Event:
    start, end = (datetime.fromisoformat(window[name]).astimezone(UTC) for name in ("start_at", "end_at"))
    text = f"maintenance window {window.get('window_id') or 'without an id'}"
    reason = window.get("reason")
    return Event(start, Lane.PAUSE, f"{text}: {reason}" if reason else text, until=end)


def _exception(record: Report) -> Event:
    return Event(
        datetime.fromisoformat(record["approved_at"]),
        Lane.PAUSE,
        f"{ExceptionKind(record['exception']).past} by {record['approver']}: {record['reason']}",
        until=datetime.fromisoformat(record["expires_at"]),
        evidence=record["session_id"],
    )


def _notification(item: Item) -> Event:
    at = datetime.fromtimestamp(item.completed_at or item.planned_at, UTC)
    lane = Lane.ESCALATED if item.reason is Reason.ESCALATED else Lane.TOLD
    is_bad = item.state in {State.PERMANENT, State.DISABLED}
    why = f" ({item.detail})" if is_bad and item.detail else ""
    return Event(
        at, lane, f"{item.reason} to {item.owner} through {item.provider}: {item.state}{why}", is_bad
    )


def _acknowledgement(record: Report) -> Event:
    return Event(
        datetime.fromisoformat(record["acknowledged_at"]),
        Lane.ACKNOWLEDGED,
        f"{record['acknowledgement_state']} by {record['acknowledged_by']}"
        f" for {record['owner']} through {record['provider']}",
        evidence=record["session_id"],
    )
