"""Foresees what will go wrong with a drill that is due later: a freeze, an absence, nobody is reachable."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from rollback_drills.planning.escalation_chain import Chain
from rollback_drills.planning.routes import Route
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.rendering.counts import write_count

WriteTime = Callable[[datetime], str]


class Risk(StrEnum):
    """What will go wrong."""

    FREEZE = "freeze"
    """The drill is due in a maintenance window."""
    ABSENCE = "absence"
    """The owner is absent when it is due."""
    SWALLOWED = "swallowed_deadline"
    """Windows and absences keep the owner from being notified before it is due."""
    UNREACHABLE = "nobody_reachable"
    """When it is due, neither the owner nor anybody of the chain can be notified, and somebody is absent."""


class Trouble(msgspec.Struct, frozen=True, gc=False):
    """What will go wrong with one drill, and what to do."""

    risk: Risk
    text: str


def find_troubles(
    routes: Sequence[Route],
    chain: Chain,
    due_at: datetime,
    suppressions: Suppressions,
    *,
    due_soon: timedelta,
    now: datetime,
    write: WriteTime,
) -> Iterator[Trouble]:
    """Yield what will go wrong for one owner, by the rules that suppress notifications.

    Args:
        routes: Those of the owner.
        chain: Whom the silence of the owner escalates to.
        due_at: When the drill is due; not before `now`.
        suppressions: The windows and calendars of the schedule.
        due_soon: How long before the due time the owner is notified first.
        now: The instant of the outlook.
        write: Writes times for the owner.
    """
    owner = routes[0].owner
    yield from _find_freeze(routes, due_at, suppressions, now, write)
    if absence := suppressions.find_absence(owner, due_at):
        until = f" until {write(absence.period.end_at)}" if absence.period else ""
        yield Trouble(
            Risk.ABSENCE,
            f"{owner} is absent when it is due{until} ({absence.reason}): agree on who performs it",
        )
    yield from _find_swallowed(routes, due_at, max(due_at - due_soon, now), suppressions, write)
    everybody = _list_all(routes, chain)
    is_anybody_away = any(suppressions.find_absence(route.owner, due_at) for route in everybody)
    # a window alone silences everybody, and somebody else would not help
    if is_anybody_away and not any(_is_reachable(route, due_at, suppressions) for route in everybody):
        names = dict.fromkeys(route.owner for route in everybody)
        yield Trouble(
            Risk.UNREACHABLE,
            f"Nobody can be notified when it is overdue ({', '.join(names)}): name somebody else who can",
        )


def _find_freeze(
    routes: Sequence[Route], due_at: datetime, suppressions: Suppressions, now: datetime, write: WriteTime
) -> Iterator[Trouble]:
    """Yield the freeze in which the drill is due; a window for some providers alone is none."""
    windows = [suppressions.find_window(route, due_at) for route in routes]
    window = windows[0]
    if window is None or not all(windows):
        return
    begins_later = window.start_at > now
    what_to_do = f"before {write(window.start_at)}" if begins_later else f"after {write(window.end_at)}"
    yield Trouble(
        Risk.FREEZE,
        f"The maintenance window {window.window_id or 'without an id'} is open when it is due, until"
        f" {write(window.end_at)}, and silences {routes[0].owner}: perform it {what_to_do}",
    )


def _find_swallowed(
    routes: Sequence[Route],
    due_at: datetime,
    soon_at: datetime,
    suppressions: Suppressions,
    write: WriteTime,
) -> Iterator[Trouble]:
    first = [suppressions.defer(route, soon_at).until for route in routes]
    known = [instant for instant in first if instant is not None]
    owner = routes[0].owner
    if not known:
        text = f"{owner} cannot be notified at all, and no end of that is known: notify somebody else"
        yield Trouble(Risk.SWALLOWED, text)
    elif min(known) > due_at:
        days = (min(known) - due_at) / timedelta(days=1)
        late = write_count(round(days), "day") if days >= 1 else "less than a day"
        text = f"{owner} is first notified {write(min(known))}, {late} after it is due: plan it now"
        yield Trouble(Risk.SWALLOWED, text)


def _list_all(routes: Sequence[Route], chain: Chain) -> list[Route]:
    """Return the routes of the owner, and of everybody whom the silence escalates to."""
    of_chain = [
        Route(link.owner, provider, 0, link.owner) for link in chain.links for provider in link.providers
    ]
    return [*routes, *of_chain]


def _is_reachable(route: Route, instant: datetime, suppressions: Suppressions) -> bool:
    is_free = suppressions.find_window(route, instant) is None
    return is_free and suppressions.find_absence(route.owner, instant) is None
