"""Finds what is coming in a period: due times, maintenance windows, and absences of owners."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice, takewhile
from typing import Final

from rollback_drills.documents.cadences.cadence import Cadence
from rollback_drills.documents.calendars.rule_parts import MOST_OCCURRENCES
from rollback_drills.documents.maintenance_windows import MaintenanceWindow, Period
from rollback_drills.documents.owner_calendars import OwnerCalendar
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.spans import Span
from rollback_drills.names.keys import name_key
from rollback_drills.planning.windows_and_absences import matches
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
ABSENT: Final = "not available"
"""Why an owner is absent whose calendar gives no reason."""


class Kind(StrEnum):
    """What is coming; of several at the same time in this order."""

    DUE = "due"
    WINDOW = "window"
    ABSENCE = "absence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """Something that is coming, or that lasts."""

    kind: Kind
    start_at: datetime | None
    """When the drill is due, or the period starts; None for an absence that is not limited."""
    end_at: datetime | None = None
    schedule_ids: tuple[str, ...]
    owners: tuple[str, ...] = ()
    """Of the schedule; who is absent; whom the window keeps from being notified, empty for everybody."""
    providers: tuple[str, ...] = ()
    """Through which nobody is notified; empty for all."""
    window_id: str = ""
    reason: str = ""
    status: Readiness | None = None
    """Of the schedule, if it is its current due time; None for a later one."""


def find_upcoming(
    judgements: Sequence[Judgement],
    schedules: Sequence[Schedule | None],
    period: Span,
    *,
    now: datetime,
    owner: str = "",
) -> list[Upcoming]:
    """Return what is coming in a period, in the order of time. A window of several schedules is found once.

    Retired schedules are left out. Of each other one 10,000 due times are looked at. A drill that is overdue
    belongs to all the time from its due time until now.

    Args:
        judgements: What was judged.
        schedules: Their documents, in the same order; None for one that cannot be read.
        period: From when until when.
        now: The instant of the judgements.
        owner: Only what this owner sees; empty for all.
    """
    found: list[Upcoming] = []
    windows: dict[MaintenanceWindow, list[str]] = {}
    absences: dict[tuple[str, Period | None, str], list[str]] = {}
    key = name_key(owner)
    for judgement, schedule in zip(judgements, schedules, strict=True):
        schedule_id = judgement.cycle.schedule_id
        if not owner or key in map(name_key, judgement.schedule.owners):
            found += _find_dues(judgement, schedule, period, now)
        if schedule is None or judgement.cycle.retired:
            continue
        for window in schedule.maintenance_windows:
            if matches(window.schedule_ids, schedule_id) and (not owner or matches(window.owners, owner)):
                windows.setdefault(window, []).append(schedule_id)
        for name, calendar in schedule.owner_calendars.items():
            if not owner or name_key(name) == key:
                for absence, reason in _list_absences(calendar):
                    absences.setdefault((name, absence, reason), []).append(schedule_id)
    for window, of_window in windows.items():
        found += _find_windows(window, of_window, period)
    for (name, absence, reason), of_owner in absences.items():
        found += _find_absences(name, absence, reason, of_owner, period)
    return sorted(found, key=_by_time)


def _by_time(item: Upcoming) -> tuple[datetime, int, tuple[str, ...], tuple[str, ...]]:
    return item.start_at or _EARLIEST, list(Kind).index(item.kind), item.schedule_ids, item.owners


def _find_dues(
    judgement: Judgement, schedule: Schedule | None, period: Span, now: datetime
) -> Iterator[Upcoming]:
    for number, due_at in enumerate(find_due_times(judgement, schedule, period.end_at)):
        is_current = number == 0
        if max(due_at, now) >= period.start_at if is_current else due_at >= max(period.start_at, now):
            yield Upcoming(
                kind=Kind.DUE,
                start_at=due_at,
                schedule_ids=(judgement.cycle.schedule_id,),
                owners=tuple(judgement.schedule.owners),
                status=judgement.readiness if is_current else None,
            )


def find_due_times(judgement: Judgement, schedule: Schedule | None, until: datetime) -> list[datetime]:
    """Return the due times before a time: the current one, then those if each drill is on time."""
    written = judgement.schedule.next_due_at
    due_at = datetime.fromisoformat(written) if written else until
    if due_at >= until:
        return []
    if schedule is None:
        return [due_at]
    if judgement.schedule.change:
        return [
            due_at,
            *takewhile(
                lambda each: each < until, islice(find_following_dues(judgement, schedule), MOST_OCCURRENCES)
            ),
        ]
    return [due_at, *_find_following(schedule.cadence, due_at, until)]


def find_following_dues(judgement: Judgement, schedule: Schedule) -> Iterator[datetime]:
    """Yield the due times after the current one, if each drill is performed when it is due."""
    due_at, change = datetime.fromisoformat(judgement.schedule.next_due_at), judgement.schedule.change
    if not change or not change.moves_due or schedule.cadence.moves_with_drills:
        yield from follow(schedule.cadence, due_at)
    elif change.cadence_due_at:
        by_cadence = datetime.fromisoformat(change.cadence_due_at)
        yield by_cadence
        yield from follow(schedule.cadence, by_cadence)


# Thousands of schedules share a few cadences.
@lru_cache(maxsize=1024)
def _find_following(cadence: Cadence, due_at: datetime, until: datetime) -> tuple[datetime, ...]:
    """Return the due times after one, up to a time."""
    return tuple(takewhile(lambda each: each < until, islice(follow(cadence, due_at), MOST_OCCURRENCES)))


def follow(cadence: Cadence, due_at: datetime) -> Iterator[datetime]:
    """Yield the due times after one, as far as they are found, if each drill is performed when it is due."""
    try:
        yield from cadence.following(due_at)
    except OverflowError:  # those before it are found
        return


def _find_windows(window: MaintenanceWindow, schedule_ids: Sequence[str], period: Span) -> Iterator[Upcoming]:
    for each in find_within(window, period):
        yield Upcoming(
            kind=Kind.WINDOW,
            start_at=each.start_at,
            end_at=each.end_at,
            schedule_ids=tuple(schedule_ids),
            owners=window.owners,
            providers=window.providers,
            window_id=window.window_id,
            reason=window.reason,
        )


def _list_absences(calendar: OwnerCalendar) -> Iterable[tuple[Period | None, str]]:
    """Return the periods of a calendar with their reasons; no period if the owner is always absent."""
    if not calendar.available:
        return [(None, calendar.reason or ABSENT)]
    return [(each, each.reason or calendar.reason or ABSENT) for each in calendar.unavailable_windows]


def _find_absences(
    owner: str, absence: Period | None, reason: str, schedule_ids: Sequence[str], period: Span
) -> Iterator[Upcoming]:
    spans = [(None, None)] if absence is None else [_ends(each) for each in find_within(absence, period)]
    for start_at, end_at in spans:
        yield Upcoming(
            kind=Kind.ABSENCE,
            start_at=start_at,
            end_at=end_at,
            schedule_ids=tuple(schedule_ids),
            owners=(owner,),
            reason=reason,
        )


def _ends(period: Period) -> tuple[datetime, datetime]:
    return period.start_at, period.end_at


def find_within(lasting: Period, period: Span) -> Iterator[Period]:
    """Yield the occurrences that touch a period, as they start."""
    occurrences = takewhile(
        lambda each: each.start_at < period.end_at, lasting.find_occurrences(period.start_at)
    )
    return (each for each in occurrences if each.end_at > period.start_at)
