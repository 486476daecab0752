"""Windows and absences that recur suppress and defer as those with fixed times do."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.documents.policy_file import read_policy
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import Route
from rollback_drills.planning.windows_and_absences import Suppressions
from tests.samples.builders import NOW, make_subject, plan_of
from tests.samples.examples import examples
from tests.samples.recurrences import ZONES

ROUTE = Route("a", "slack", 60, "a")
WEEKEND: dict[str, Any] = {
    "rrule": "FREQ=WEEKLY;BYDAY=FR",
    "start": "2026-01-02T18:00",
    "end": "2026-01-05T08:00",
    "time_zone": "America/New_York",
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def weekly(days: str, start: str, end: str, zone: str = "UTC") -> dict[str, Any]:
    """Write a recurrence on some days of the week; 2026-01-01 is a Thursday."""
    return {"rrule": f"FREQ=WEEKLY;BYDAY={days}", "start": start, "end": end, "time_zone": zone}


def suppressions(windows: list[dict[str, Any]], absences: list[dict[str, Any]] = []) -> Suppressions:  # noqa: B006 - never changed
    return Suppressions(
        "x",
        read_policy(
            {
                "maintenance_windows": [{"recurrence": each} for each in windows],
                "owner_calendars": {
                    "a": {"unavailable_windows": [{"recurrence": each} for each in absences]}
                },
            }
        ),
    )


@pytest.mark.parametrize(
    ("now", "category", "until"),
    [
        ("2026-12-04T22:59:59", "deliver", None),
        ("2026-12-04T23:00:00", "maintenance_window", "2026-12-07T13:00:00+00:00"),
        ("2026-12-07T12:59:59", "maintenance_window", "2026-12-07T13:00:00+00:00"),
        ("2026-12-07T13:00:00", "deliver", None),
        ("2027-03-14T12:00:00", "maintenance_window", "2027-03-15T12:00:00+00:00"),  # clocks forward
    ],
)
def test_a_weekend_suppresses_by_the_wall_and_defers_to_its_end(
    now: str, category: str, until: str | None
) -> None:
    window = {"window_id": "weekend", "reason": "no changes", "recurrence": WEEKEND}
    absence = {"reason": "weekend", "recurrence": WEEKEND}

    frozen = plan_of(make_subject(maintenance_windows=[window]), PlanRequest(), now=at(now))
    calendars = {owner: {"unavailable_windows": [absence]} for owner in ("team-a", "team-b")}
    absent = plan_of(make_subject(owner_calendars=calendars), PlanRequest(), now=at(now))

    assert {(each["category"], each["deferred_until"]) for each in frozen["route_decisions"]} == {
        (category, until)
    }
    assert {(each["category"], each["deferred_until"]) for each in absent["route_decisions"]} == {
        (category.replace("maintenance_window", "owner_calendar"), until)
    }
    if until:
        named = frozen["route_decisions"][0]["maintenance_window"]
        assert (named["window_id"], named["reason"], named["end_at"]) == ("weekend", "no changes", until)
        assert named.keys() == {"window_id", "start_at", "end_at", "reason"}
        missing = absent["route_decisions"][0]["owner_availability"]
        assert (missing["reason"], missing["end_at"]) == ("weekend", until)


PERIODS = st.builds(
    lambda days, hour, length, zone: weekly(
        ",".join(sorted(days)),
        f"2026-01-01T{hour:02}:00",
        (datetime(2026, 1, 1, hour) + timedelta(hours=length)).isoformat(),  # noqa: DTZ001 - on the wall
        zone,
    ),
    st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=3),
    st.integers(0, 23),
    st.integers(1, 30),
    st.sampled_from(ZONES),
)
HOURS = st.integers(0, 24 * 365)


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(st.lists(PERIODS, max_size=2), st.lists(PERIODS, max_size=2), HOURS)
def test_a_route_is_deferred_to_the_first_minute_at_which_nothing_keeps_it_silent(
    windows: list[dict[str, Any]], absences: list[dict[str, Any]], hours: int
) -> None:
    found, now = suppressions(windows, absences), at("2026-03-01") + timedelta(hours=hours)

    def is_silent(instant: datetime) -> bool:
        return bool(found.find_window(ROUTE, instant) or found.find_absence("a", instant))

    instant, last = now, now + timedelta(days=60)
    while is_silent(instant) and instant < last:
        instant += timedelta(minutes=30)

    until = found.defer(ROUTE, now).until
    assert until == instant or (instant == last and (until is None or until > last))
    step, change = now, min(found.find_change("a", now) or last, last)
    while step < change:
        assert is_silent(step) == is_silent(now), "nothing begins or ends before the next change"
        step += timedelta(minutes=30)


def test_periods_that_adjoin_are_one_silence() -> None:
    evenings = weekly("MO,TU,WE,TH,FR", "2026-01-01T18:00", "2026-01-02T08:00")
    mornings = weekly("MO,TU,WE,TH,FR", "2026-01-01T08:00", "2026-01-01T12:00")
    weekends = weekly("SA", "2026-01-03T00:00", "2026-01-05T00:00")

    found = suppressions([evenings, weekends], [mornings])

    assert found.defer(ROUTE, at("2026-12-04T20:00")).until == at("2026-12-07T00:00")
    assert found.defer(ROUTE, at("2026-12-03T20:00")).until == at("2026-12-04T12:00")


@pytest.mark.parametrize(
    ("windows", "absences"),
    [
        pytest.param(["MO,WE,FR,SU", "TU,TH,SA"], [], id="windows"),
        pytest.param(["MO,WE,FR,SU"], ["TU,TH,SA"], id="windows and absences"),
        pytest.param([], ["MO,WE,FR,SU", "TU,TH,SA"], id="absences"),
    ],
)
def test_periods_that_follow_each_other_for_ever_are_searched_for_some_years(
    windows: list[str], absences: list[str]
) -> None:
    periods = {
        days: weekly(days, "2026-01-01", "2026-01-02", "Europe/Berlin") for days in (*windows, *absences)
    }
    document: dict[str, Any] = {
        "maintenance_windows": [
            {"window_id": days, "recurrence": periods[days], "owners": ["team-a"]} for days in windows
        ],
        "owner_calendars": {
            "team-a": {"unavailable_windows": [{"recurrence": periods[days]} for days in absences]}
        },
    }
    began = time.process_time()

    plan = plan_of(make_subject(owners=["team-a"], **document), PlanRequest())

    assert time.process_time() - began < 5
    assert {each["deferred_until"] for each in plan["route_decisions"]} == {None}
    assert all(each["reason"].endswith("; no end within 10 years") for each in plan["route_decisions"])


@pytest.mark.slow
def test_many_short_periods_without_a_gap_are_searched_up_to_a_number_of_them() -> None:
    hours = ",".join(map(str, range(24)))
    even, odd = (
        {**weekly("MO,TU,WE,TH,FR,SA,SU", f"2026-01-01T00:{minute}", end), "time_zone": "UTC"}
        for minute, end in (("00", "2026-01-01T00:30"), ("30", "2026-01-01T01:00"))
    )
    for each in (even, odd):
        each["rrule"] += f";BYHOUR={hours};UNTIL=20280101"

    assert suppressions([even, odd]).defer(ROUTE, NOW).until is None
    assert suppressions([even, odd]).defer(ROUTE, at("2027-12-01")).until == at("2028-01-02")


def test_what_ends_later_than_is_searched_has_no_known_end() -> None:
    windows = [
        weekly(f"{days};UNTIL=20400101", "2026-01-01", "2026-01-02") for days in ("MO,WE,FR,SU", "TU,TH,SA")
    ]

    assert suppressions(windows).defer(ROUTE, NOW).until is None
    assert suppressions(windows).defer(ROUTE, at("2031-01-01")).until == at("2040-01-02")


def test_a_fixed_freeze_may_last_longer_than_is_searched() -> None:
    freeze = {"start_at": "2026-01-01T00:00:00Z", "end_at": "2066-01-01T00:00:00Z"}
    policy = read_policy({"maintenance_windows": [freeze]})

    assert Suppressions("x", policy).defer(ROUTE, NOW).until == at("2066-01-01")
