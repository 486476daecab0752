"""What was delivered and what was suppressed, week by week."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Final

from sqlalchemy import select

from rollback_drills.console.charts import Chart, Series, build_chart
from rollback_drills.console.fleet import GENERATED_BY
from rollback_drills.console.source import Console
from rollback_drills.database.alarm_path_rows import is_no_alarm_path
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from rollback_drills.followup.connector_health import ConnectorHealth, read_connectors
from rollback_drills.planning.category import Category
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.imported import ROWS_AT_ONCE
from rollback_drills.reports.period import Period, last_weeks, monday_of
from rollback_drills.reports.trend import Trend, find_trend
from rollback_drills.reports.trend_page import top_counts

WEEKS: Final = 12
_CATEGORIES: Final[Mapping[Category, str]] = {
    Category.MAINTENANCE_WINDOW: "in a maintenance window",
    Category.OWNER_CALENDAR: "owner away",
    Category.ALREADY_NOTIFIED: "notified already",
    Category.HEALTHY_SCHEDULE: "not needed",
    Category.OTHER: "other reasons",
}


@dataclass(frozen=True, slots=True)
class TrendsView:
    """The page of trends."""

    at: datetime
    deliveries: Chart
    suppressions: Chart
    owners: Sequence[tuple[str, str]]
    """Of whom most decisions notified nobody, and how often."""
    connectors: Sequence[ConnectorHealth]
    trend: Trend
    """The document that the second chart is drawn from."""


def read_trends(console: Console) -> TrendsView:
    """Read the page of trends.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    database, period = console.evidence(), last_weeks(WEEKS, console.at)
    trend = find_trend(database, RouteFilter(), period, now=console.at, generated_by=GENERATED_BY)
    names = [each.name for each in trend.weeks]
    outcomes = count_outcomes(database, period)
    mondays = [date.fromisoformat(each.week_start) for each in trend.weeks]
    deliveries = [
        Series("delivered", [outcomes[monday, True] for monday in mondays]),
        Series("not delivered", [outcomes[monday, False] for monday in mondays]),
    ]
    suppressions = [
        Series(name, [each.category_counts.get(category, 0) for each in trend.weeks])
        for category, name in _CATEGORIES.items()
    ]
    return TrendsView(
        console.at,
        build_chart(names, deliveries),
        build_chart(names, suppressions),
        top_counts(trend.owner_counts),
        read_connectors(database),
        trend,
    )


def count_outcomes(database: Database, period: Period) -> Counter[tuple[date, bool]]:
    """Count the outcomes of notifications in a period, by the Monday of their week and whether they arrived.

    A notification has one for every run in which it changed.

    Raises:
        DatabaseError: The database cannot be read.
    """
    rows = select(LEDGER.c.created_at, LEDGER.c.success).where(
        LEDGER.c.metadata_kind == ROUTE_DELIVERY_KIND,
        is_no_alarm_path(LEDGER.c.schedule_id),
        *period.to_sql(),
    )
    monday = cache(lambda day: monday_of(date.fromisoformat(day)))
    counts: Counter[tuple[date, bool]] = Counter()
    with database.read() as connection:
        for created_at, success in connection.execute(rows, execution_options={"yield_per": ROWS_AT_ONCE}):
            counts[monday(created_at[:10]), success is True] += 1
    return counts
