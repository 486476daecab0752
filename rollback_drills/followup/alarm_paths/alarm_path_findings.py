"""Which drills of alarm paths nobody acknowledged, and which of these findings are still open."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.states import DEAD, NOTIFIED, State
from rollback_drills.rendering.times import write_minutes

_POINTLESS: Final = frozenset({State.SUPERSEDED, State.DISCARDED, State.SUPPRESSED})


@dataclass(frozen=True, slots=True)
class AlarmPathDrill:
    """The drill of one route in one month, as the outbox has it."""

    notification_id: str
    session_id: str
    cycle_id: str
    route_key: str
    owner: str
    provider: str
    state: State
    detail: str
    planned_at: datetime
    asked_at: datetime
    """Since when the owner can acknowledge: delivered, or due for its first attempt."""


@dataclass(frozen=True, slots=True)
class MissedDrill:
    """A drill that shows that its route reaches nobody."""

    drill: AlarmPathDrill
    because: str


class EventKind(StrEnum):
    """What the evidence says about a route."""

    MISSED = "missed"  # nobody acknowledged the drill
    WITHDRAWN = "withdrawn"  # no schedule uses the route any more
    ACKNOWLEDGED = "acknowledged"


class RouteEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One thing that the evidence says about a route."""

    owner: str
    provider: str
    kind: EventKind
    at: datetime
    because: str = ""
    cycle_id: str = ""


class AlarmPathFinding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A route that reaches nobody: open until one of its drills is acknowledged."""

    owner: str
    provider: str
    since: str
    because: str
    missed_count: int
    """How many of its drills in a row nobody acknowledged."""
    cycle_id: str
    """Of the newest drill; acknowledging it ends the finding."""

    @property
    def since_at(self) -> datetime:
        """When the first of these drills was found to be missed."""
        return datetime.fromisoformat(self.since)

    @property
    def in_words(self) -> str:
        """Describe the finding in a sentence without a full stop."""
        times = "" if self.missed_count == 1 else f" ({self.missed_count} drills in a row)"
        return f"{self.owner} is not reached through {self.provider}: {self.because}{times}"


def find_missed(
    drills: Iterable[AlarmPathDrill], answered: Collection[str], *, within: timedelta, now: datetime
) -> Iterator[MissedDrill]:
    """Yield the drills that show that a route reaches nobody; the exact bound counts.

    A message that was refused is one at once: nobody will acknowledge it. One that a person took out of the
    outbox shows nothing.

    Args:
        drills: The drills.
        answered: The keys of the routes that were acknowledged.
        within: How long an owner has to acknowledge.
        now: The instant.
    """
    for drill in drills:
        if drill.route_key in answered or drill.state in _POINTLESS:
            continue
        if drill.state in DEAD:
            yield MissedDrill(drill, f"the message was not taken ({drill.detail})")
        elif now >= drill.asked_at + within:
            time = write_minutes(within / timedelta(minutes=1))
            if drill.state in NOTIFIED:
                yield MissedDrill(drill, f"nobody acknowledged within {time}")
            else:
                why = f" ({drill.detail})" if drill.detail else ""
                yield MissedDrill(drill, f"the message was not delivered within {time}{why}")


def find_open(events: Iterable[RouteEvent]) -> list[AlarmPathFinding]:
    """Return the findings that are open, by owner and provider.

    An acknowledgement of any drill of the route ends the finding, also of the one that was missed: it proves
    that the route reaches somebody, and the evidence keeps both times.
    """
    by_route: dict[tuple[str, str], list[RouteEvent]] = defaultdict(list)
    for event in events:
        by_route[name_key(event.owner), name_key(event.provider)].append(event)
    found = (_find_open(sorted(some, key=lambda event: event.at)) for _, some in sorted(by_route.items()))
    return [each for each in found if each is not None]


def _find_open(events: Sequence[RouteEvent]) -> AlarmPathFinding | None:
    missed: list[RouteEvent] = []
    for event in events:
        if event.kind is EventKind.MISSED:
            missed.append(event)
        else:
            missed.clear()
    if not missed:
        return None
    last = missed[-1]
    return AlarmPathFinding(
        owner=last.owner,
        provider=last.provider,
        since=write_instant(missed[0].at),
        because=last.because,
        missed_count=len(missed),
        cycle_id=last.cycle_id,
    )
