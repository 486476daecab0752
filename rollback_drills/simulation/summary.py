"""Counts what a simulation found: by owner and week, in freezes, in absences, and where nobody is reached."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import name_key
from rollback_drills.simulation.findings import (
    BusyWeek,
    ChainToNobody,
    DueInFreeze,
    OwnerAbsent,
    OwnerWeek,
    SilentRoute,
    StaleProof,
    Summary,
)
from rollback_drills.simulation.happenings import (
    AnyHappening,
    DeadEnd,
    Dropped,
    Due,
    HeldBack,
    Notified,
    Obstacle,
    OnRoute,
    Performed,
    Promoted,
    Proven,
)

_DAY: Final = timedelta(days=1)
_MOST_DAYS, _MOST_DRILLS = 366, 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too long, and too much.

    Raises:
        UsageError: A limit makes no sense.
    """

    silent_days: float = 7
    """For how many days a route may reach nobody."""
    drills_per_week: int = 2
    """How many drills an owner can perform in a week."""

    def __post_init__(self) -> None:
        """Ensure that they make sense."""
        if not 0 <= self.silent_days <= _MOST_DAYS:
            raise UsageError(f"must be from 0 to {_MOST_DAYS}", field="silent_days")
        if not 0 <= self.drills_per_week <= _MOST_DRILLS:
            raise UsageError(f"must be from 0 to {_MOST_DRILLS:,}", field="drills_per_week")


def summarise(happenings: Sequence[AnyHappening], until: datetime, limits: Limits) -> Summary:
    """Count what a simulation found.

    Args:
        happenings: In the order of time.
        until: When the simulated time ends.
        limits: What is too long, and too much.
    """
    notified = [each for each in happenings if isinstance(each, Notified)]
    dues = [each for each in happenings if isinstance(each, Due)]
    return Summary(
        notification_count=len(notified),
        escalation_count=sum(bool(each.step) for each in notified),
        due_count=len(dues),
        performed_count=sum(isinstance(each, Performed) for each in happenings),
        notifications_by_owner_and_week=_count_by_week(notified),
        due_in_freeze=[found for due in dues for found in _find_freezes(due)],
        owners_absent=[
            OwnerAbsent(due.schedule_id, due.due_at, each.owner, each.reason, each.until)
            for due in dues
            for each in due.obstacles
            if not each.window
        ],
        silent_routes=_find_silent(happenings, until, limits.silent_days * _DAY),
        chains_to_nobody=_find_chains(each for each in happenings if isinstance(each, DeadEnd)),
        busy_weeks=_find_busy_weeks(dues, limits.drills_per_week),
        stale_proofs=list(_find_stale_proofs(happenings, until)),
    )


@lru_cache(maxsize=4096)
def _name_week(day: str) -> str:
    """Return the ISO week of a day; its year is that of its Thursday."""
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year:04}-W{week:02}"


def _count_by_week(notified: Iterable[Notified]) -> list[OwnerWeek]:
    spelling: dict[str, str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for each in notified:
        counts[_name_week(each.at[:10]), spelling.setdefault(name_key(each.owner), each.owner)] += 1
    return sorted(OwnerWeek(week, owner, count) for (week, owner), count in counts.items())


def _find_freezes(due: Due) -> Iterable[DueInFreeze]:
    """Yield the windows that are open when a drill is due, each with the owners that it suppresses."""
    owners: dict[Obstacle, list[str]] = defaultdict(list)
    for each in due.obstacles:
        if each.window:
            owners[msgspec.structs.replace(each, owner="")].append(each.owner)
    for window, names in owners.items():
        yield DueInFreeze(
            due.schedule_id, due.due_at, window.window, window.reason, window.until, tuple(names)
        )


def _find_silent(
    happenings: Iterable[AnyHappening], until: datetime, allowed: timedelta
) -> list[SilentRoute]:
    """Return the routes on which a notification was held back for longer than is allowed.

    It ends when the owner is notified or the drill is performed.
    """
    held: dict[tuple[str, str, str], HeldBack] = {}
    found = []
    for each in happenings:
        if isinstance(each, Performed):
            over = [key for key in held if each.accepted and key[0] == each.cycle_id]
        else:
            is_end = isinstance(each, Notified | Dropped)
            over = [_key(each)] if is_end and isinstance(each, OnRoute) and _key(each) in held else []
        found += [_end(held.pop(key), each.at) for key in over]
        if isinstance(each, HeldBack):
            held.setdefault(_key(each), each)
    found += [_end(each, None, write_instant(until)) for each in held.values()]
    return [each for each in found if each.days * _DAY > allowed]


def _find_stale_proofs(happenings: Iterable[AnyHappening], until: datetime) -> Iterator[StaleProof]:
    """Yield how long each proof was stale, as it ends; then those that are stale at the end."""
    stale: dict[str, Promoted] = {}
    for each in happenings:
        if isinstance(each, Promoted):
            stale[each.schedule_id] = each
        elif isinstance(each, Proven):
            yield _end_stale(stale.pop(each.schedule_id), each.at)
    for each in stale.values():
        yield _end_stale(each, None, write_instant(until))


def _end_stale(promoted: Promoted, until: str | None, last: str = "") -> StaleProof:
    days = (datetime.fromisoformat(until or last) - datetime.fromisoformat(promoted.at)) / _DAY
    return StaleProof(
        promoted.schedule_id, promoted.change_id, promoted.what, promoted.at, until, round(days, 2)
    )


def _key(each: OnRoute) -> tuple[str, str, str]:
    return each.cycle_id, name_key(each.owner), name_key(each.provider)


def _end(held: HeldBack, until: str | None, last: str = "") -> SilentRoute:
    days = (datetime.fromisoformat(until or last) - datetime.fromisoformat(held.at)) / _DAY
    return SilentRoute(
        held.schedule_id, held.owner, held.provider, held.at, until, round(days, 2), held.because
    )


def _find_chains(ends: Iterable[DeadEnd]) -> list[ChainToNobody]:
    groups: dict[tuple[str, str, str], list[DeadEnd]] = defaultdict(list)
    for each in ends:
        groups[each.schedule_id, each.owner, each.because].append(each)
    return [
        ChainToNobody(*key, some[0].at, len({each.cycle_id for each in some})) for key, some in groups.items()
    ]


def _find_busy_weeks(dues: Iterable[Due], most: int) -> list[BusyWeek]:
    spelling: dict[str, str] = {}
    weeks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for due in dues:
        for owner in due.owners:
            name = spelling.setdefault(name_key(owner), owner)
            weeks[_name_week(due.due_at[:10]), name].append(due.schedule_id)
    return sorted(
        BusyWeek(week, owner, len(some), tuple(dict.fromkeys(some)))
        for (week, owner), some in weeks.items()
        if len(some) > most
    )
