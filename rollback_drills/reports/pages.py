"""The suppression trend for people: a page, and the rows of its table."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollback_drills.planning.category import Category
from rollback_drills.readiness.terms import Report
from rollback_drills.rendering.markdown import cell, table

_COLUMNS: Final[Mapping[Category, str]] = {
    Category.MAINTENANCE_WINDOW: "window",
    Category.OWNER_CALENDAR: "absent",
    Category.OTHER: "other",
    Category.ALREADY_NOTIFIED: "notified already",
    Category.HEALTHY_SCHEDULE: "nothing to tell",
}
"""Why nobody was told: what keeps somebody from knowing first, and what does no harm last."""
_MOST_NAMED: Final = 10
_COUNTS: Final = (
    ("Owners", "owner", "owner_counts"),
    ("Providers", "provider", "provider_counts"),
    ("Schedules", "schedule", "schedule_counts"),
)


def summarise_trend(trend: Report) -> str:
    """Describe in a sentence what a trend found."""
    count, period = trend["decision_count"], f"from {trend['period']['from']} to {trend['period']['to']}"
    if not count:
        return f"No route was decided {period}."
    return f"{trend['suppression_event_count']} of {count} route decisions notified nobody {period}."


def week_rows(trend: Report) -> list[dict[str, Any]]:
    """Return one row for each week, with the same columns in all of them."""
    return [
        {
            "week": each["week"] if each["complete"] else f"{each['week']} (in part)",
            "begins": each["week_start"],
            "decisions": each["decision_count"],
            "told nobody": each["suppression_event_count"],
            **{name: each["category_counts"].get(category, 0) for category, name in _COLUMNS.items()},
        }
        for each in trend["weeks"]
    ]


def top_counts(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the largest counts, and how many are not named."""
    rows = [(name or "–", str(count)) for name, count in list(counts.items())[:_MOST_NAMED]]
    rest = list(counts.values())[_MOST_NAMED:]
    return [*rows, (f"{len(rest)} more", str(sum(rest)))] if rest else rows


def render_trend(trend: Report) -> str:
    """Write the page of a trend as Markdown."""
    return "\n".join(_lines(trend))


def _lines(trend: Report) -> Iterator[str]:
    rows = week_rows(trend)
    yield from ("# Who was not told, and why", "", cell(summarise_trend(trend)), "", "## Weeks", "")
    yield from table(tuple(rows[0]), ([str(value) for value in row.values()] for row in rows))
    for title, column, name in _COUNTS:
        if trend[name]:
            yield from ("", f"## {title}", "")
            yield from table((column, "told nobody"), top_counts(trend[name]))
    if trend["latest_events"]:
        yield from ("", "## Latest", "")
        columns = ("created_at", "schedule_id", "provider", "owner", "category", "reason")
        yield from table(columns, ([each[name] for name in columns] for each in trend["latest_events"]))
