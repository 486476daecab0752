"""The period that is looked back on, and its ISO weeks: year ends, long years, both ends of a week."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.errors import UsageError
from rollback_drills.reports.period import MOST_WEEKS, Period, Week, last_weeks, weeks_of
from tests.samples.ledgers import at

INSTANTS = st.integers(946_684_800, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
"""Whole seconds from the year 2000 to 2100."""


@pytest.mark.parametrize(
    ("monday", "name"),
    [
        pytest.param("2020-12-28", "2020-W53", id="a year of 53 weeks, in another decade"),
        pytest.param("2021-01-04", "2021-W01", id="after it"),
        pytest.param("2024-12-30", "2025-W01", id="begins in the year before"),
        pytest.param("2026-12-21", "2026-W52", id="the last but one of 2026"),
        pytest.param("2026-12-28", "2026-W53", id="ends in the year after"),
        pytest.param("2027-01-04", "2027-W01", id="the first of 2027"),
    ],
)
def test_a_week_has_the_name_of_iso_8601(monday: str, name: str) -> None:
    assert Week(date.fromisoformat(monday)).name == name


@pytest.mark.parametrize(
    ("since", "until", "names"),
    [
        pytest.param("2026-12-28", "2027-01-04", ["2026-W53"], id="exactly one week"),
        pytest.param(
            "2026-12-27T23:59:59", "2027-01-04", ["2026-W52", "2026-W53"], id="a second before the week"
        ),
        pytest.param(
            "2026-12-28", "2027-01-04T00:00:01", ["2026-W53", "2027-W01"], id="a second after the week"
        ),
        pytest.param("2026-12-31T23:59:59", "2027-01-01T00:00:01", ["2026-W53"], id="the turn of the year"),
        pytest.param("2026-12-23", "2026-12-23T00:00:01", ["2026-W52"], id="one second"),
        pytest.param(
            "2020-12-31", "2021-01-05", ["2020-W53", "2021-W01"], id="the turn of a year of 53 weeks"
        ),
    ],
)
def test_a_period_touches_these_weeks(since: str, until: str, names: list[str]) -> None:
    assert [each.name for each in weeks_of(at(since), at(until))] == names


@given(INSTANTS, INSTANTS)
def test_the_weeks_of_a_period_follow_each_other_and_cover_it(one: datetime, other: datetime) -> None:
    since, until = min(one, other), max(one, other) + timedelta(seconds=1)
    if until - since > timedelta(weeks=MOST_WEEKS - 2):
        return

    weeks = weeks_of(since, until)

    starts = [each.starts for each in weeks]
    assert all(later - earlier == timedelta(weeks=1) for earlier, later in pairwise(starts))
    assert starts[0] <= since.date() < starts[0] + timedelta(weeks=1)
    last_instant = until - timedelta(seconds=1)
    assert starts[-1] <= last_instant.date() < starts[-1] + timedelta(weeks=1)
    assert len({each.name for each in weeks}) == len(weeks)


@pytest.mark.slow
@given(st.integers(1, MOST_WEEKS), INSTANTS)
def test_so_many_last_weeks_are_so_many(count: int, until: datetime) -> None:
    period = last_weeks(count, until)

    assert period.since is not None
    assert period.until == until
    assert period.since.isoweekday() == 1
    assert len(weeks_of(period.since, until)) == count


@pytest.mark.parametrize(
    ("until", "since", "end"),
    [
        pytest.param(
            "2027-01-04T00:00:00", "2026-12-28", "2027-01-04T00:00:00", id="the week that has ended"
        ),
        pytest.param(
            "2027-01-04T00:00:00.000001", "2027-01-04", "2027-01-04T00:00:01", id="a fraction later"
        ),
        pytest.param("2027-01-03T23:59:59.5", "2026-12-28", "2027-01-04T00:00:00", id="a fraction before"),
        pytest.param("2027-01-03T23:59:59", "2026-12-28", "2027-01-03T23:59:59", id="a second before"),
    ],
)
def test_the_current_week_is_the_one_of_the_last_second(until: str, since: str, end: str) -> None:
    assert last_weeks(1, at(until)) == Period(at(since), at(end))


def test_weeks_are_those_of_utc_wherever_the_instant_was_written() -> None:
    tokyo = timezone(timedelta(hours=9))
    monday_in_tokyo = datetime(2027, 1, 4, 8, 59, 59, tzinfo=tokyo)

    assert [each.name for each in weeks_of(monday_in_tokyo, monday_in_tokyo + timedelta(seconds=2))] == [
        "2026-W53",
        "2027-W01",
    ]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        pytest.param("2026-12-28", "2027-01-04", True, id="from its start to its end"),
        pytest.param("2026-12-28T00:00:01", "2027-01-04", False, id="begins a second late"),
        pytest.param("2026-12-28", "2027-01-03T23:59:59", False, id="ends a second early"),
        pytest.param("2026-01-01", "2028-01-01", True, id="long"),
    ],
)
def test_a_week_is_complete_if_all_of_it_is_in_the_period(since: str, until: str, expected: bool) -> None:
    assert Week(date(2026, 12, 28)).is_within(at(since), at(until)) is expected


def test_a_period_is_half_open() -> None:
    period = Period(at("2026-12-01"), at("2026-12-02"))

    assert period.contains(at("2026-12-01"))
    assert not period.contains(at("2026-12-02"))
    assert period.contains(at("2026-12-01T23:59:59.999999"))
    assert Period().contains(at("1970-01-01"))
    assert period.to_wire() == {"from": "2026-12-01T00:00:00+00:00", "to": "2026-12-02T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("2026-12-02", "2026-12-02", "is empty"),
        ("2026-12-03", "2026-12-02", "is empty"),
        ("2026-12-01T00:00:00.5", "2026-12-02", "write whole seconds"),
    ],
)
def test_a_period_that_is_none_is_refused(since: str, until: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Period(at(since), at(until))


@pytest.mark.parametrize("count", [0, -1, MOST_WEEKS + 1])
def test_a_number_of_weeks_that_nobody_means_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"number of weeks is {count}"):
        last_weeks(count, at("2026-12-01"))


@pytest.mark.parametrize("until", ["0001-01-01", "0001-02-01", "9999-12-31T23:59:59.5"])
def test_weeks_out_of_the_calendar_are_refused(until: str) -> None:
    with pytest.raises(UsageError, match="leave the years 1 to 9999"):
        last_weeks(12, at(until))


def test_the_first_and_the_last_weeks_of_the_calendar_are_weeks() -> None:
    assert weeks_of(at("0001-01-01"), at("0001-01-02"))[0].name == "0001-W01"
    (week,) = weeks_of(at("9999-12-27"), at("9999-12-31"))[-1:]
    assert not week.is_within(at("9999-01-01"), at("9999-12-31"))


def test_a_time_axis_that_nobody_reads_is_refused() -> None:
    assert len(weeks_of(at("2027-01-04"), at("2027-01-04") + timedelta(weeks=MOST_WEEKS))) == MOST_WEEKS
    with pytest.raises(UsageError, match=f"{MOST_WEEKS + 1} weeks"):
        weeks_of(at("2027-01-04"), at("2027-01-04") + timedelta(weeks=MOST_WEEKS, seconds=1))
