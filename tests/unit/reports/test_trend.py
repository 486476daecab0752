"""The suppression trend: counts by reason, owner, provider and schedule, and a time axis without gaps."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from msgspec import convert

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.errors import UsageError
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.period import Period, last_weeks
from rollback_drills.reports.routes import find_routes
from rollback_drills.reports.trend import Trend, find_trend
from rollback_drills.reports.trend_page import render_trend, summarise_trend, top_counts, week_rows
from tests.samples.ledgers import FOREIGN_PLAN, WINDOW, append_plan, at, import_foreign

UNTIL = at("2027-01-06T12:00:00")


def trend_of(
    database: Database | None,
    wanted: RouteFilter | None = None,
    period: Period | None = None,
    **changes: Any,
) -> PlainJson:
    """Return the trend of the four weeks up to 2027-W01, as readers of its JSON get it."""
    known = {"now": UNTIL, "generated_by": "test", **changes}
    return to_plain(find_trend(database, wanted or RouteFilter(), period or last_weeks(4, UNTIL), **known))


def test_suppressions_are_counted_by_reason_owner_provider_and_schedule(database: Database) -> None:
    append_plan(database, at("2026-12-21"), maintenance_windows=[WINDOW])
    append_plan(
        database,
        at("2026-12-22"),
        schedule_id="search",
        owner_calendars={"team-a": {"available": False, "reason": "on leave"}},
    )

    trend = trend_of(database)

    assert trend["schema_version"] == "cavra.go-backend-pilot.rollback-drill-routing-suppression-trend.v1"
    assert trend["trend_id"].startswith("gordrtrend-")
    assert (trend["decision_count"], trend["suppression_event_count"]) == (8, 4)
    assert trend["category_counts"] == {"maintenance_window": 2, "owner_calendar": 2}
    assert trend["owner_counts"] == {"team-a": 2, "team-b": 2}
    assert trend["provider_counts"] == {"slack": 2, "teams": 2}
    assert trend["schedule_counts"] == {"payments": 2, "search": 2}
    assert trend["maintenance_suppressed_count"] == trend["calendar_suppressed_count"] == 2
    assert trend["healthy_schedule_suppressed_count"] == 0
    assert trend["alert_level"] == "warning"
    assert trend["latest_events"] == to_plain(find_routes(database, RouteFilter(action="suppress")))["items"]


@pytest.mark.parametrize(
    ("created_at", "week"),
    [
        pytest.param("2026-12-20T23:59:59.999999", "2026-W51", id="the last moment of a Sunday"),
        pytest.param("2026-12-21T00:00:00", "2026-W52", id="the first of a Monday"),
        pytest.param("2026-12-27T23:59:59", "2026-W52", id="before the week of the turn of the year"),
        pytest.param("2026-12-28T00:00:00", "2026-W53", id="its first moment"),
        pytest.param("2026-12-31T23:59:59", "2026-W53", id="the last of the year"),
        pytest.param("2027-01-01T00:00:00", "2026-W53", id="the first of the year"),
        pytest.param("2027-01-03T23:59:59", "2026-W53", id="its last moment"),
        pytest.param("2027-01-04T00:00:00", "2027-W01", id="the first week of the year"),
    ],
)
def test_a_decision_is_in_its_iso_week_of_utc(created_at: str, week: str, database: Database) -> None:
    append_plan(database, at(created_at), maintenance_windows=[WINDOW])

    weeks = trend_of(database)["weeks"]

    assert {each["week"]: each["suppression_event_count"] for each in weeks} == {
        **dict.fromkeys(("2026-W51", "2026-W52", "2026-W53", "2027-W01"), 0),
        week: 2,
    }


def test_weeks_without_a_decision_are_there_with_their_mondays(database: Database) -> None:
    append_plan(database, at("2026-12-15"), maintenance_windows=[WINDOW])

    weeks = trend_of(database)["weeks"]

    assert [(each["week"], each["week_start"], each["complete"]) for each in weeks] == [
        ("2026-W51", "2026-12-14", True),
        ("2026-W52", "2026-12-21", True),
        ("2026-W53", "2026-12-28", True),
        ("2027-W01", "2027-01-04", False),
    ]
    assert weeks[0]["category_counts"] == {"maintenance_window": 2}
    assert (weeks[0]["decision_count"], weeks[1]["decision_count"]) == (4, 0)


def test_what_lies_outside_the_period_is_not_counted(database: Database) -> None:
    for number, instant in enumerate(
        ("2026-12-13T23:59:59", "2026-12-14", "2027-01-06T11:59:59", "2027-01-06T12:00:00")
    ):
        append_plan(database, at(instant), schedule_id=f"s{number}", maintenance_windows=[WINDOW])

    assert trend_of(database)["schedule_counts"] == {"s1": 2, "s2": 2}


def test_filters_narrow_what_is_counted(database: Database) -> None:
    append_plan(database, at("2026-12-21"), maintenance_windows=[WINDOW])

    assert trend_of(database, RouteFilter(owner="team-a"))["suppression_event_count"] == 0
    assert trend_of(database, RouteFilter(owner="team-a"))["alert_level"] == "healthy"
    assert trend_of(database, RouteFilter(provider="slack"))["owner_counts"] == {"team-b": 1}
    assert trend_of(database, RouteFilter(schedule_id="other"))["decision_count"] == 0


def test_a_route_that_has_nothing_to_be_told_is_no_warning(database: Database) -> None:
    append_plan(database, at("2026-12-21"), next_due_at="2027-06-01T09:00:00Z")

    trend = trend_of(database)

    assert trend["healthy_schedule_suppressed_count"] == 4
    assert trend["alert_level"] == "healthy"


def test_imported_decisions_count_in_the_week_in_which_they_were_made(database: Database) -> None:
    import_foreign(database, {**FOREIGN_PLAN, "created_at": "2027-01-04T01:00:00+02:00"})

    weeks = {each["week"]: each for each in trend_of(database)["weeks"]}

    assert weeks["2026-W53"]["category_counts"] == {
        "healthy_schedule": 1,
        "maintenance_window": 1,
        "owner_calendar": 1,
    }
    assert weeks["2027-W01"]["decision_count"] == 0


def test_the_counts_agree_with_the_history_that_they_summarise(database: Database) -> None:
    for days in range(0, 20, 3):
        append_plan(
            database,
            at("2026-12-14") + timedelta(days=days),
            schedule_id=f"service-{days}",
            maintenance_windows=[WINDOW],
        )
    import_foreign(database, {**FOREIGN_PLAN, "created_at": "2026-12-29T10:00:00Z"})

    trend = trend_of(database)

    items = to_plain(find_routes(database, limit=1000))["items"]
    suppressed = [each for each in items if each["action"] == "suppress"]
    assert trend["decision_count"] == len(items)
    for name in ("category", "owner", "provider"):
        assert trend[f"{name}_counts"] == Counter(each[name] for each in suppressed)
    for name in ("decision_count", "suppression_event_count"):
        assert sum(week[name] for week in trend["weeks"]) == trend[name]


def test_what_every_run_of_an_earlier_version_wrote_down_again_is_one_spell(database: Database) -> None:
    for days in range(0, 10, 3):
        append_plan(database, at("2026-12-14") + timedelta(days=days), maintenance_windows=[WINDOW])

    trend = trend_of(database)

    assert (trend["suppression_event_count"], trend["decision_count"]) == (2, 10)
    assert trend["category_days"] == {"maintenance_window": 18.0}
    assert [week["suppression_event_count"] for week in trend["weeks"]] == [2, 2, 0, 0]


def test_the_same_question_of_the_same_evidence_has_the_same_id(database: Database) -> None:
    append_plan(database, at("2026-12-21"), maintenance_windows=[WINDOW])
    first = trend_of(database)["trend_id"]

    assert trend_of(database, now=UNTIL + timedelta(days=1))["trend_id"] == first
    assert trend_of(database, RouteFilter(owner="team-b"))["trend_id"] != first


@pytest.mark.parametrize("period", [Period(), Period(since=at("2026-12-01")), Period(until=at("2026-12-01"))])
def test_a_trend_needs_both_ends(period: Period) -> None:
    with pytest.raises(UsageError, match="both its ends"):
        trend_of(None, period=period)


def test_without_evidence_every_week_is_empty() -> None:
    trend = trend_of(None)

    assert [each["decision_count"] for each in trend["weeks"]] == [0] * 4
    assert summarise_trend(convert(trend, Trend)).startswith(
        "No route was decided from 2026-12-14T00:00:00+00:00"
    )
    assert "2026-W53" in render_trend(convert(trend, Trend))


def test_the_page_says_what_was_counted_and_texts_stay_texts(database: Database) -> None:
    append_plan(
        database,
        at("2026-12-21"),
        owners=["team|a", "<b>team</b>"],
        maintenance_windows=[{**WINDOW, "owners": ["<b>team</b>"], "reason": "**now**"}],
    )

    page = render_trend(convert(trend_of(database), Trend))

    assert "2 of 4 route decisions notified nobody" in page
    assert "| 2026-W52 | 2026-12-21 | 4 | 2 | 2 | 0 | 0 | 0 | 0 |" in page
    assert "| 2027-W01 (in part) |" in page
    assert "&lt;b&gt;team&lt;/b&gt;" in page
    assert "**now**" not in page


def test_every_row_of_the_table_has_the_same_columns(database: Database) -> None:
    append_plan(database, at("2026-12-21"), maintenance_windows=[WINDOW])

    rows = week_rows(convert(trend_of(database), Trend))

    assert len({tuple(row) for row in rows}) == 1
    assert [row["window"] for row in rows] == [0, 2, 0, 0]


def test_of_many_counts_the_largest_are_named_and_the_rest_is_summed() -> None:
    counts = {f"team-{number:02}": 20 - number for number in range(12)}

    rows = top_counts(counts)

    assert rows[0] == ("team-00", "20")
    assert rows[-1] == ("2 more", "19")
    assert len(rows) == 11
    assert top_counts({"": 1}) == [("–", "1")]
