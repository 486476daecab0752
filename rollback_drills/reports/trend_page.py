"""The suppression trend for people: a page, and the rows of its table."""

from collections.abc import Iterator, Mapping
from typing import Final

from rollback_drills.planning.category import Category
from rollback_drills.rendering.markdown import cell, table
from rollback_drills.reports.trend import Trend

_COLUMNS: Final[Mapping[Category, str]] = {
    Category.MAINTENANCE_WINDOW: "window",
    Category.OWNER_CALENDAR: "absent",
    Category.OTHER: "other",
    Category.ALREADY_NOTIFIED: "notified already",
    Category.HEALTHY_SCHEDULE: "not needed",
}
"""Why nobody was notified: what keeps somebody from knowing first, and what does no harm last."""
_MOST_NAMED: Final = 10


def summarise_trend(trend: Trend) -> str:
    """Describe in a sentence what a trend found."""
    period = f"from {trend.period['from']} to {trend.period['to']}"
    if not trend.decision_count:
        return f"No route was decided {period}."
    counts = f"{trend.suppression_event_count} of {trend.decision_count}"
    return f"{counts} route decisions notified nobody {period}."


def week_rows(trend: Trend) -> list[dict[str, str | int]]:
    """Return one row for each week, with the same columns in all of them."""
    return [
        {
            "week": each.name,
            "begins": each.week_start,
            "decisions": each.decision_count,
            "suppressed": each.suppression_event_count,
            **{name: each.category_counts.get(category, 0) for category, name in _COLUMNS.items()},
        }
        for each in trend.weeks
    ]


def top_counts(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the largest counts, and how many are not named."""
    rows = [(name or "–", str(count)) for name, count in list(counts.items())[:_MOST_NAMED]]
    rest = list(counts.values())[_MOST_NAMED:]
    return [*rows, (f"{len(rest)} more", str(sum(rest)))] if rest else rows


def render_trend(trend: Trend) -> str:
    """Write the page of a trend as Markdown."""
    return "\n".join(_lines(trend))


def _lines(trend: Trend) -> Iterator[str]:
    rows = week_rows(trend)
    yield from ("# Suppressed notifications", "", cell(summarise_trend(trend)), "", "## Weeks", "")
    yield from table(tuple(rows[0]), ([str(value) for value in row.values()] for row in rows))
    for column, counts in (
        ("owner", trend.owner_counts),
        ("provider", trend.provider_counts),
        ("schedule", trend.schedule_counts),
    ):
        if counts:
            yield from ("", f"## {column.title()}s", "")
            yield from table((column, "suppressed"), top_counts(counts))
    if trend.latest_events:
        yield from ("", "## Latest", "")
        columns = ("created_at", "schedule_id", "provider", "owner", "category", "reason")
        yield from table(columns, ([getattr(each, name) for name in columns] for each in trend.latest_events))
