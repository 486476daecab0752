"""Puts notifications together by cycle and route, wherever they are kept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeVar

from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord, find_last
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts, Sent
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.states import State

_POINTLESS: Final = (State.SUPERSEDED, State.DISCARDED)
_Names = tuple[str, str]


class KeptNotification(Protocol):
    """A notification as it is kept, with its place."""

    @property
    def cycle_id(self) -> str:
        """The cycle."""

    @property
    def route_key(self) -> str:
        """The route."""

    @property
    def schedule_id(self) -> str:
        """The schedule."""

    @property
    def provider(self) -> str:
        """The provider."""

    @property
    def owner(self) -> str:
        """Who is notified."""

    @property
    def cycle_due(self) -> str:
        """The due time of the cycle as documents write it; empty if it is not known."""

    @property
    def state(self) -> State:
        """Where it stands."""


K = TypeVar("K", bound=KeptNotification)


def group_cycles(
    items: Iterable[K],
    to_sent: Callable[[K], Sent],
    said: Mapping[str, AcknowledgementRecord],
    exceptions: Mapping[str, ExceptionRecord],
    *,
    now: datetime,
) -> list[CycleFacts]:
    """Put open notifications together by cycle and route; those that are pointless are left out.

    Routes whose names differ in nothing but their spelling are one, whatever keys they once got.

    Args:
        items: The notifications, in the order in which they were committed.
        to_sent: Returns what the follow-up knows of one.
        said: By route key, what was acknowledged last.
        exceptions: By cycle, what was approved last.
        now: Which exceptions hold.
    """
    by_cycle: dict[str, dict[_Names, list[K]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        if item.state not in _POINTLESS:
            by_cycle[item.cycle_id][name_key(item.provider), name_key(item.owner)].append(item)
    return [
        CycleFacts(
            cycle_id,
            *_identify(routes),
            list(_to_routes(routes.values(), to_sent, said)),
            *_resume(exceptions.get(cycle_id), now),
        )
        for cycle_id, routes in by_cycle.items()
    ]


def _resume(last: ExceptionRecord | None, now: datetime) -> tuple[ExceptionRecord | None, datetime | None]:
    """Return the exception if it holds, else when it ended."""
    if last is None or last.holds_at(now):
        return last, None
    return None, last.until


def _identify(routes: Mapping[_Names, Sequence[K]]) -> tuple[str, datetime | None]:
    """Return the schedule and the due instant of a cycle."""
    first = next(iter(routes.values()))[0]
    due_at = next((item.cycle_due for items in routes.values() for item in items if item.cycle_due), "")
    return first.schedule_id, datetime.fromisoformat(due_at) if due_at else None


def _to_routes(
    routes: Iterable[Sequence[K]], to_sent: Callable[[K], Sent], said: Mapping[str, AcknowledgementRecord]
) -> Iterator[RouteFacts]:
    owners: dict[str, str] = {}
    for items in routes:
        first = items[0]
        owner = owners.setdefault(name_key(first.owner), first.owner)
        keys = dict.fromkeys(item.route_key for item in items)
        latest = find_last(said[key] for key in keys if key in said)
        yield RouteFacts(first.route_key, first.provider, owner, list(map(to_sent, items)), latest)
