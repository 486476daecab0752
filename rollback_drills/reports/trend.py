"""The suppression trend of contract §6: how often nobody was notified, why, and in which week."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Final, TypeAlias

import msgspec
from sqlalchemy import Connection

from rollback_drills import PRODUCT
from rollback_drills.database.connections import Database
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.canonical import digest_canonical
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.planning.category import Action, Category
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.paging import merge_newest
from rollback_drills.reports.period import WEEK, Period, Week, monday_of, weeks_of
from rollback_drills.reports.routes import RouteRow, describe_routes, imported_routes
from rollback_drills.reports.spells import Route, Spell, SpellReader

SUPPRESSION_TREND_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-routing-suppression-trend.v1"
_LEFT_UNINFORMED: Final = (Category.MAINTENANCE_WINDOW, Category.OWNER_CALENDAR, Category.OTHER)
_LATEST: Final = 20
_SUPPRESS: Final = Action.SUPPRESS.value


class TrendWeek(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions of an ISO week."""

    week: str
    week_start: str
    complete: bool
    """Whether the whole week is in the period."""
    decision_count: int
    suppression_event_count: int
    category_counts: dict[str, int]

    @property
    def name(self) -> str:
        """The week as people read it."""
        return self.week if self.complete else f"{self.week} (in part)"


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """The suppression trend. Counts begin with the largest one."""

    schema_version: str = SUPPRESSION_TREND_SCHEMA
    product: str = PRODUCT
    trend_id: str = ""
    generated_at: str
    generated_by: str
    filters: dict[str, str]
    period: dict[str, str | None]
    alert_level: str
    decision_count: int
    suppression_event_count: int
    category_counts: dict[str, int]
    category_days: dict[str, float]
    """How long routes were suppressed, added up."""
    owner_counts: dict[str, int]
    provider_counts: dict[str, int]
    schedule_counts: dict[str, int]
    maintenance_suppressed_count: int
    calendar_suppressed_count: int
    healthy_schedule_suppressed_count: int
    weeks: list[TrendWeek]
    latest_events: list[RouteRow]


_NOT_COUNTED: Final = (
    "schema_version",
    "product",
    "trend_id",
    "generated_at",
    "generated_by",
    "latest_events",
)
"""What the id of a trend does not depend on."""


Counts: TypeAlias = defaultdict[str, int]


class Tally:
    """Counts spells, one after another."""

    def __init__(self, weeks: Iterable[date]) -> None:
        """Begin with none.

        Args:
            weeks: The Mondays of the weeks that are counted.
        """
        self.decisions = 0
        """All of them; what follows counts those that notified nobody."""
        # not Counter, which takes twice as long to count one more
        self.weeks: dict[date, Counts] = {each: defaultdict(int) for each in weeks}
        self.week_decisions: defaultdict[date, int] = defaultdict(int)
        self.categories: Counts = defaultdict(int)
        self.durations: defaultdict[str, timedelta] = defaultdict(timedelta)
        """By category, how long routes were suppressed."""
        self.owners: Counts = defaultdict(int)
        self.providers: Counts = defaultdict(int)
        self.schedules: Counts = defaultdict(int)

    def add(self, spell: Spell) -> None:
        """Count a spell once in all, and once in each week that it touches."""
        route, category = spell.route, spell.route.category
        is_suppressed = route.action == _SUPPRESS
        monday = monday_of(spell.begins.date())
        last = monday_of(spell.ends.date()) if spell.ends is not spell.begins else monday
        while monday <= last:
            self.week_decisions[monday] += 1
            if is_suppressed and monday in self.weeks:
                self.weeks[monday][category] += 1
            monday += WEEK
        self.decisions += 1
        if is_suppressed:
            self.categories[category] += 1
            if spell.ends is not spell.begins:
                self.durations[category] += spell.ends - spell.begins
            self.owners[route.owner] += 1
            self.providers[route.provider] += 1
            self.schedules[route.schedule_id] += 1


def find_trend(
    database: Database | None,
    wanted: RouteFilter,
    period: Period,
    *,
    now: datetime,
    generated_by: str,
) -> Trend:
    """Count the decisions of a period that notified nobody.

    Args:
        database: Keeps the ledger; None if there is none yet.
        wanted: Which decisions.
        period: With both ends.
        now: The instant of the document.
        generated_by: Who asks.

    Raises:
        UsageError: The period is open, or has too many weeks.
        DatabaseError: The database cannot be read.
    """
    since, until = period.since, period.until
    if since is None or until is None:
        raise UsageError("the period of a trend needs both its ends")
    weeks = weeks_of(since, until)
    tally = Tally(each.starts for each in weeks)
    latest: list[RouteRow] = []
    if database:
        with database.snapshot() as connection:
            latest = _count(connection, wanted, period, tally)
    categories = tally.categories
    trend = Trend(
        generated_at=write_instant(now),
        generated_by=generated_by,
        filters=wanted.to_wire(),
        period=period.to_wire(),
        alert_level="warning" if any(categories.get(each) for each in _LEFT_UNINFORMED) else "healthy",
        decision_count=tally.decisions,
        suppression_event_count=sum(categories.values()),
        category_counts=_sorted(categories),
        category_days={name: _days(tally.durations[name]) for name in _sorted(categories)},
        owner_counts=_sorted(_merge(tally.owners)),
        provider_counts=_sorted(_merge(tally.providers)),
        schedule_counts=_sorted(_merge(tally.schedules)),
        maintenance_suppressed_count=categories.get(Category.MAINTENANCE_WINDOW, 0),
        calendar_suppressed_count=categories.get(Category.OWNER_CALENDAR, 0),
        healthy_schedule_suppressed_count=categories.get(Category.HEALTHY_SCHEDULE, 0),
        weeks=[_count_week(each, tally, is_complete=each.is_within(since, until)) for each in weeks],
        latest_events=latest,
    )
    counted = {name: each for name, each in msgspec.to_builtins(trend).items() if name not in _NOT_COUNTED}
    digest = digest_canonical(counted)
    return msgspec.structs.replace(trend, trend_id=f"gordrtrend-{digest[:16]}")


def _count(connection: Connection, wanted: RouteFilter, period: Period, tally: Tally) -> list[RouteRow]:
    """Count the decisions of a period, and return the latest ones that notified nobody."""
    reader = SpellReader(connection, wanted, period, _LATEST)
    for spell in reader.iterate():
        tally.add(spell)
    names = Route.__struct_fields__
    suppressed = []
    for at, row in imported_routes(connection, wanted, period):
        tally.add(Spell(Route(*(getattr(row, name) for name in names)), at, at))
        if row.action == Action.SUPPRESS:
            suppressed.append((at, row))
    suppressed.sort(key=itemgetter(0), reverse=True)
    describe = partial(describe_routes, connection)
    return merge_newest(reversed(reader.latest), suppressed, describe, slice(0, _LATEST))


def _days(duration: timedelta) -> float:
    return round(duration / timedelta(days=1), 2)


def _merge(counts: Mapping[str, int]) -> Counter[str]:
    """Count the spellings of a name together, under the one that was written first."""
    spellings = first_spellings(counts)
    merged: Counter[str] = Counter()
    for name, count in counts.items():
        merged[spellings[name_key(name)]] += count
    return merged


def _count_week(week: Week, tally: Tally, *, is_complete: bool) -> TrendWeek:
    categories = tally.weeks[week.starts]
    return TrendWeek(
        week=week.name,
        week_start=week.starts.isoformat(),
        complete=is_complete,
        decision_count=tally.week_decisions.get(week.starts, 0),
        suppression_event_count=sum(categories.values()),
        category_counts=_sorted(categories),
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    """Order counts: the largest first, and equal ones by name."""
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
