"""The routing history: one row for each decision, our own and imported ones."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.record_kinds import DECISION_KIND
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.period import Period
from rollback_drills.reports.routes import find_routes
from tests.samples.builders import NOW, open_key
from tests.samples.ledgers import FOREIGN_PLAN, WINDOW, append_plan, at, import_foreign
from tests.samples.tampering import make_row


def routes_of(
    database: Database | None,
    wanted: RouteFilter | None = None,
    period: Period | None = None,
    **page: int,
) -> PlainJson:
    """Return the routing history as readers of its JSON get it."""
    return to_plain(find_routes(database, wanted, period, **page))


def test_each_decision_is_a_row_that_says_whom_and_why(database: Database) -> None:
    plan = append_plan(database, maintenance_windows=[WINDOW])

    history = routes_of(database)

    assert history["schema_version"] == "cavra.go-backend-pilot.rollback-drill-routing-history.v1"
    assert (history["total"], history["limit"], history["offset"]) == (4, 50, 0)
    of_b = next(each for each in history["items"] if each["owner"] == "team-b")
    assert of_b["created_at"] == "2026-12-01T09:00:00+00:00"
    assert (of_b["plan_id"], of_b["cycle_id"]) == (plan["plan_id"], plan["cycle_id"])
    assert (of_b["action"], of_b["category"]) == ("suppress", "maintenance_window")
    assert (of_b["maintenance_window_id"], of_b["deferred_until"]) == ("freeze", "2030-01-01T00:00:00+00:00")
    assert of_b["maintenance_window_reason"] == "production change freeze"
    assert not of_b["imported"]
    decisions = {each["route_key"] for each in plan["route_decisions"]}
    assert {each["route_key"] for each in history["items"]} == decisions


def test_the_newest_decision_comes_first(database: Database) -> None:
    for hours in range(3):
        append_plan(database, NOW + timedelta(hours=hours))

    rows = [each["row"] for each in routes_of(database)["items"]]

    assert rows == sorted(rows, reverse=True)
    assert len(rows) == 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (RouteFilter(), 8),
        (RouteFilter(schedule_id="search"), 4),
        (RouteFilter(schedule_id="SEARCH"), 4),
        (RouteFilter(schedule_id="SEARC"), 0),
        (RouteFilter(provider="slack"), 4),
        (RouteFilter(owner="team-b"), 4),
        (RouteFilter(owner="team"), 0),
        (RouteFilter(action="suppress"), 2),
        (RouteFilter(category="maintenance_window"), 2),
        (RouteFilter(category="owner_calendar"), 0),
        (RouteFilter(schedule_id="payments", provider="slack", action="suppress"), 1),
    ],
)
def test_filters_narrow_and_combine(wanted: RouteFilter, count: int, database: Database) -> None:
    append_plan(database, maintenance_windows=[WINDOW])
    append_plan(database, schedule_id="search")

    history = routes_of(database, wanted)

    assert history["total"] == len(history["items"]) == count


@pytest.mark.parametrize(("field", "value"), [("action", "notify"), ("category", "deliverd"), ("action", "")])
def test_a_name_that_is_in_no_closed_set_is_refused(field: str, value: str) -> None:
    with pytest.raises(UsageError, match=f'{field} is "{value}"; must be one of deliver'):
        RouteFilter(**{field: value})


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [
        pytest.param("2026-12-01T09:00:00", None, 8, id="from the instant of the first"),
        pytest.param("2026-12-01T09:00:01", None, 4, id="a second after it"),
        pytest.param(None, "2026-12-01T10:00:00", 4, id="to the instant of the second"),
        pytest.param(None, "2026-12-01T10:00:01", 8, id="a second after it, with its fraction"),
        pytest.param("2026-12-01T09:00:00", "2026-12-01T10:00:00", 4, id="half-open"),
        pytest.param("2026-12-01T10:00:00", "2026-12-01T10:00:01", 4, id="the second alone"),
    ],
)
def test_a_period_is_that_of_the_evidence(
    since: str | None, until: str | None, count: int, database: Database
) -> None:
    append_plan(database, at("2026-12-01T09:00:00"))
    append_plan(database, at("2026-12-01T10:00:00.250"))

    period = Period(at(since) if since else None, at(until) if until else None)

    assert routes_of(database, period=period)["total"] == count


def test_other_kinds_of_evidence_are_no_decisions(database: Database) -> None:
    append(database, [make_row(1)], open_key)

    assert routes_of(database)["items"] == []


def test_an_imported_plan_gives_a_row_for_each_of_its_decisions(database: Database) -> None:
    import_foreign(database, FOREIGN_PLAN)

    items = routes_of(database)["items"]

    assert {each["owner"]: each["category"] for each in items} == {
        "team-a": "deliver",
        "team-b": "maintenance_window",
        "team-c": "owner_calendar",
        "team-d": "healthy_schedule",
    }
    assert {each["created_at"] for each in items} == {"2026-05-04T10:00:00+00:00"}
    assert {each["plan_id"] for each in items} == {"gordn_1"}
    assert all(each["imported"] for each in items)
    of_a = next(each for each in items if each["owner"] == "team-a")
    assert (of_a["escalation_owner"], of_a["acknowledgement_minutes"]) == ("platform-lead", 30)
    assert (of_a["alert_level"], of_a["status"]) == ("critical", "needs_attention")


def test_an_imported_decision_stands_where_its_own_clock_puts_it(database: Database) -> None:
    append_plan(database, at("2026-05-04T09:00:00"))
    append_plan(database, at("2026-05-04T11:00:00"))
    import_foreign(database, FOREIGN_PLAN)

    items = routes_of(database)["items"]

    assert [each["created_at"][11:13] for each in items] == ["11"] * 4 + ["10"] * 4 + ["09"] * 4
    assert routes_of(database, period=Period(at("2026-05-04T10:30:00")))["total"] == 4


@pytest.mark.parametrize("limit", [1, 3, 5, 12, 13])
def test_pages_follow_each_other_without_a_gap_also_across_imports(limit: int, database: Database) -> None:
    append_plan(database, at("2026-05-04T09:00:00"))
    import_foreign(database, FOREIGN_PLAN)
    append_plan(database, at("2026-05-04T11:00:00"))
    whole = routes_of(database, limit=1000)["items"]

    pages = [routes_of(database, limit=limit, offset=offset) for offset in range(0, 14, limit)]

    assert [each for page in pages for each in page["items"]] == whole
    assert {page["total"] for page in pages} == {12}


def test_a_plan_of_ours_that_was_imported_with_its_decisions_is_counted_once(database: Database) -> None:
    own = {"metadata_kind": DECISION_KIND, "cycle_id": "gordcycle-1", "owner": "team-a", "action": "deliver"}
    import_foreign(database, {**FOREIGN_PLAN, "cycle_id": "gordcycle-1"}, own)

    assert [each["cycle_id"] for each in routes_of(database)["items"]] == ["gordcycle-1"]


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param("a text", id="no object"),
        pytest.param({"route_decisions": "none"}, id="no list"),
        pytest.param({"route_decisions": [1, None, "x"]}, id="a list of other things"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_others_write_strangely_is_no_decision_and_no_traceback(plan: Any, database: Database) -> None:
    import_foreign(database, {**FOREIGN_PLAN, "plan": plan})

    assert routes_of(database)["items"] == []


def test_a_decision_of_others_with_strange_values_is_shown_without_them(database: Database) -> None:
    strange = {
        "provider": 7,
        "owner": ["team-a"],
        "action": "suppress",
        "reason": None,
        "maintenance_window": "always",
        "owner_availability": True,
        "acknowledgement_minutes": True,
    }
    import_foreign(database, {**FOREIGN_PLAN, "plan": {"route_decisions": [strange]}})

    (item,) = routes_of(database)["items"]

    assert (item["provider"], item["owner"], item["category"]) == ("", "", "other")
    assert item["acknowledgement_minutes"] is None


@pytest.mark.parametrize(
    ("limit", "offset", "problem"),
    [
        (0, 0, "limit is 0; must be from 1 to 1000"),
        (1001, 0, "limit is 1001"),
        (1, -1, "offset is -1; must be from 0"),
        (1, 10**30, "offset is 1000"),
    ],
)
def test_a_page_that_is_none_is_refused(limit: int, offset: int, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        routes_of(None, limit=limit, offset=offset)


def test_without_evidence_the_document_is_empty(database: Database) -> None:
    for history in (routes_of(None), routes_of(database)):
        assert (history["items"], history["total"]) == ([], 0)
        assert history["filters"] == dict.fromkeys(
            ("schedule_id", "provider", "owner", "action", "category"), ""
        )


def test_a_clock_that_went_back_loses_no_row(database: Database) -> None:
    append_plan(database, NOW)
    append_plan(database, NOW - timedelta(days=2))
    import_foreign(database, {**FOREIGN_PLAN, "created_at": (NOW - timedelta(days=1)).isoformat()})

    pages = [routes_of(database, limit=5, offset=offset)["items"] for offset in (0, 5, 10)]

    rows = [(each["row"], each["owner"], each["provider"]) for page in pages for each in page]
    assert len(set(rows)) == 12


def test_a_page_of_a_pruned_ledger_holds_what_is_left(database: Database) -> None:
    append_plan(database)
    append_plan(database, NOW + timedelta(hours=1))
    with database.write() as connection:
        rows = "SELECT leaf_index, hashes, once_key FROM ledger WHERE leaf_index < 6"
        connection.execute(text(f"INSERT INTO ledger_pruned {rows}"))
        connection.execute(text("DELETE FROM ledger WHERE leaf_index < 6"))

    assert routes_of(database)["total"] == 4
