"""Cadences by the calendar: which due time is the next one that no accepted drill has met."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import dropwhile, islice, takewhile
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.cadences.cadence import CalendarCadence
from rollback_drills.documents.cadences.calendar_cadence import WrittenCadence
from rollback_drills.documents.cadences.period_cadence import PeriodCadence
from rollback_drills.documents.cadences.rule_cadence import RuleCadence
from rollback_drills.documents.calendars.recurrence import Recurrence
from rollback_drills.documents.calendars.wall_time import to_instant
from rollback_drills.documents.calendars.working_days import WorkCalendar
from tests.samples.examples import examples
from tests.samples.recurrences import recurrences

MONTHLY: dict[str, Any] = {
    "rrule": "FREQ=MONTHLY;BYDAY=1TU",
    "start": "2026-01-06T10:00",
    "time_zone": "Europe/Berlin",
}
QUARTERLY: dict[str, Any] = {"once_per": "quarter", "start": "2026-01-01", "time_zone": "Europe/Berlin"}
ZONES = ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/New_York", "Pacific/Apia", "Africa/Cairo"]  # fmt: skip  # noqa: E501
RULES = ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;INTERVAL=2;BYDAY=2WE"]  # fmt: skip  # noqa: E501
START = datetime(2026, 1, 1, tzinfo=UTC)


def read(calendars: dict[str, Any] | None = None, **written: Any) -> CalendarCadence:
    known = msgspec.convert(calendars or {}, dict[str, WorkCalendar])
    return msgspec.convert(written, WrittenCadence).read(known)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(cadence: CalendarCadence, *drills: str) -> str:
    found = cadence.find_due([at(each) for each in drills])
    return f"{found:%Y-%m-%dT%H:%M}" if found else "nothing"


@pytest.mark.parametrize(
    ("drills", "expected"),
    [
        ((), "2026-01-06T09:00"),
        (("2025-12-01",), "2026-01-06T09:00"),  # further ahead than the second one lies behind
        (("2025-12-20",), "2026-02-03T09:00"),
        (("2026-01-06T09:00",), "2026-02-03T09:00"),  # at the due time
        (("2026-01-10",), "2026-02-03T09:00"),  # late
        (("2026-01-05", "2026-01-06T08:00"), "2026-02-03T09:00"),  # the second one is too early for February
        (("2026-01-05", "2026-01-07"), "2026-03-03T09:00"),
        (("2026-05-20",), "2026-06-02T08:00"),  # meets all up to it; in summer time
    ],
)
def test_a_drill_meets_what_is_due_and_all_up_to_it(drills: tuple[str, ...], expected: str) -> None:
    assert due(read(**MONTHLY), *drills) == expected


def test_after_the_last_occurrence_nothing_is_due() -> None:
    cadence = read(**{**MONTHLY, "rrule": "FREQ=MONTHLY;BYDAY=1TU;COUNT=2"})
    assert due(cadence, "2026-01-05") == "2026-02-03T09:00"
    assert due(cadence, "2026-01-05", "2026-02-01") == "nothing"
    assert due(cadence, "2026-02-10") == "nothing"
    assert cadence.ends


def test_a_rule_with_a_single_occurrence_is_met_by_any_drill() -> None:
    cadence = read(**{**MONTHLY, "rrule": "FREQ=DAILY;COUNT=1"})
    assert due(cadence) == "2026-01-06T09:00"
    assert due(cadence, "2020-01-01") == "nothing"


@pytest.mark.parametrize(
    ("drills", "expected"),
    [
        ((), "2026-03-31T22:00"),  # 1 April, 00:00 in Berlin
        (("2025-12-31T22:59",), "2026-03-31T22:00"),  # before the first period
        (("2025-12-31T23:00",), "2026-06-30T22:00"),
        (("2026-03-31T21:59",), "2026-06-30T22:00"),
        (("2026-01-05", "2026-02-05", "2026-03-05"), "2026-06-30T22:00"),  # one is as good as three
        (("2026-08-01",), "2026-12-31T23:00"),  # the second quarter is missed for good
    ],
)
def test_any_drill_of_a_period_meets_it(drills: tuple[str, ...], expected: str) -> None:
    assert due(read(**QUARTERLY), *drills) == expected


@pytest.mark.parametrize(
    ("period", "year_starts", "expected"),
    [
        ("month", 1, ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("quarter", 2, ["2026-01-31", "2026-04-30", "2026-07-31"]),
        ("half_year", 4, ["2026-03-31", "2026-09-30", "2027-03-31"]),
        ("year", 4, ["2026-03-31", "2027-03-31", "2028-03-31"]),
        ("year", 1, ["2026-12-31", "2027-12-31", "2028-12-31"]),
    ],
)
def test_the_year_may_begin_in_any_month(period: str, year_starts: int, expected: list[str]) -> None:
    cadence = read(once_per=period, start="2026-01-01", time_zone="UTC", year_starts=year_starts)
    last_days = [str((each - timedelta(days=1)).date()) for each in islice(cadence.due_times(), 3)]
    assert last_days == expected


def test_a_due_time_moves_to_a_working_day() -> None:
    berlin = {"berlin": {"holidays": "DE-BE", "closed": ["2026-01-06"]}}
    shift = {"to": "next_business_day", "calendar": "berlin"}
    cadence = read(berlin, **MONTHLY, shift=shift)
    assert due(cadence) == "2026-01-07T09:00"
    assert due(cadence, "2026-01-06T20:00") == "2026-02-03T09:00"
    assert "moved to the next business day of berlin" in cadence.describe()
    # 1 April 2028 is a Saturday; a drill of that day counts for the quarter in which it lies
    quarterly = read(berlin, **{**QUARTERLY, "start": "2028-01-01"}, shift=shift)
    assert due(quarterly) == "2028-04-02T22:00"
    assert due(quarterly, "2028-04-01T12:00") == "2028-10-01T22:00"


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["month", "quarter", "half_year", "year"]),
    st.integers(1, 12),
    st.lists(st.integers(0, 3 * 365 * 24 * 60), max_size=4),
)
def test_a_period_ends_when_the_calendar_on_the_wall_says_so(
    zone: str, period: str, year_starts: int, minutes: list[int]
) -> None:
    """An oracle that counts no periods: it looks at the wall, day after day."""
    cadence = read(once_per=period, start="2026-01-01", time_zone=zone, year_starts=year_starts)
    drills = sorted(START + timedelta(minutes=each) for each in minutes)
    found = cadence.find_due(drills)
    assert found is not None

    length = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}[period]
    first_months = {(year_starts - 1 + step * length) % 12 + 1 for step in range(12 // length)}

    def walk(day: date, step: int) -> date:
        while not (day.day == 1 and day.month in first_months):
            day += timedelta(days=step)
        return day

    first = walk(date(2026, 1, 1), -1)  # of the period that holds the start
    counted = [each for each in drills if each >= to_utc(first, zone)]
    day = max(counted).astimezone(ZoneInfo(zone)).date() if counted else first
    end = walk(day + timedelta(days=1), 1)
    assert found == to_utc(walk(end + timedelta(days=1), 1) if counted else end, zone)


BERLIN = {"berlin": {"holidays": "DE-BE", "closed": ["2024-12-27", "2024-12-30", "2024-12-31"]}}
SHIFTS = [None, "next_business_day", "previous_business_day", "nearest_business_day"]


def fold_plainly(times: list[datetime], drills: list[datetime]) -> datetime | None:
    """Return what is due after drills, by the definition and from the first due time on."""
    before, place = times[0] - (times[1] - times[0]), 0
    for performed_at in drills:
        if performed_at > before and place < len(times):
            latest = max(times[place], performed_at)
            while place < len(times) and times[place] <= latest:
                before, place = times[place], place + 1
    return times[place] if place < len(times) else None


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(
    recurrences(),
    st.sampled_from(SHIFTS),
    st.lists(st.integers(0, 6 * 365 * 24), max_size=4),
    st.lists(st.integers(-60, 60), max_size=4),
)
def test_nobody_counts_through_the_years_and_yet_the_same_is_due(
    rule: Recurrence, to: str | None, hours: list[int], near: list[int]
) -> None:
    """The sequence from its start, and the fold over the drills, as the reference has them."""
    try:
        cadence = read(
            BERLIN,
            rrule=rule.rule,
            start=rule.start,
            time_zone=rule.time_zone,
            **({"shift": {"to": to, "calendar": "berlin"}} if to else {}),
        )
    except msgspec.ValidationError:
        assume(False)
    assert isinstance(cadence, RuleCadence)
    until_then = takewhile(lambda local: local.year < 2032, rule.local_occurrences())
    local = (cadence.shift.move(each, berlin()) if cadence.shift else each for each in until_then)
    times = [to_instant(each, rule.time_zone) for each in local]
    assume(len(times) > 1)
    drills = sorted(
        [at("2023-06-01") + timedelta(hours=each) for each in hours]
        + [times[each % len(times)] + timedelta(hours=each) for each in near]
    )
    drills = [each for each in drills if each < at("2030-01-01")]

    expected = fold_plainly(times, drills)
    assume(expected or rule.ends)  # what is due from 2032 on is not among the times

    found = cadence.find_due(drills)

    assert found == expected
    if found and found < at("2031-01-01"):
        later = list(dropwhile(lambda each: each <= found, times))[:3]
        assert list(islice(cadence.following(found), len(later))) == later
        earlier = list(takewhile(lambda each: each < found, times))
        first = times[0] - (times[1] - times[0])
        assert cadence.counts_from(found) == max(earlier, default=first)


def berlin() -> WorkCalendar:
    return msgspec.convert(BERLIN["berlin"], WorkCalendar)


def test_a_daily_cadence_from_long_ago_costs_little() -> None:
    cadence = read(rrule="FREQ=DAILY", start="1990-01-01T09:00", time_zone="Europe/Berlin")
    assert due(cadence, "2026-11-19T12:00") == "2026-11-20T08:00"
    began = process_time()
    for day in range(1, 29):
        found = cadence.find_due([at(f"{1990 + day}-02-{day:02}"), at(f"2026-02-{day:02}")])
        assert found == at(f"2026-02-{day:02}T08:00")
        assert cadence.counts_from(found) == found - timedelta(days=1)
        assert next(cadence.following(found)) == found + timedelta(days=1)
    assert process_time() - began < 0.5  # 0.06 s; counted from 1990 on it was 5 s


@pytest.mark.parametrize("to", SHIFTS)
def test_a_monthly_period_from_long_ago_is_found_at_once(to: str | None) -> None:
    shift = {"shift": {"to": to, "calendar": "berlin"}} if to else {}
    written: dict[str, Any] = {"once_per": "month", "time_zone": "Europe/Berlin", **shift}
    old, new = (read(BERLIN, **written, start=start) for start in ("1900-01-01", "2024-01-01"))
    for each in islice(new.due_times(), 1, 60):
        assert old.counts_from(each) == new.counts_from(each)
        assert list(islice(old.following(each), 3)) == list(islice(new.following(each), 3))


def to_utc(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(RULES),
    st.lists(st.integers(0, 400 * 24 * 60), max_size=6),
)
def test_a_further_drill_never_makes_anything_due_earlier(zone: str, rule: str, minutes: list[int]) -> None:
    cadence = read(rrule=rule, start="2026-01-01T02:30", time_zone=zone)
    drills = sorted(START + timedelta(minutes=each) for each in minutes)
    last = None
    for number in range(len(drills) + 1):
        found = cadence.find_due(drills[:number])
        assert found is not None
        assert found in set(islice(cadence.due_times(), 900))
        assert last is None or found >= last
        assert all(each < found for each in drills[:number])
        last = found


def test_it_is_known_from_when_on_a_drill_counts() -> None:
    monthly, quarterly = read(**MONTHLY), read(**QUARTERLY)
    assert monthly.counts_from(at("2026-02-03T09:00")) == at("2026-01-06T09:00")
    assert monthly.counts_from(at("2026-01-06T09:00")) == at("2025-12-09T09:00")
    assert read(**{**MONTHLY, "rrule": "FREQ=DAILY;COUNT=1"}).counts_from(at("2026-01-06T09:00")) is None
    assert quarterly.counts_from(at("2026-03-31T22:00")) == at("2025-12-31T23:00")
    assert quarterly.counts_from(at("2026-06-30T22:00")) == at("2026-03-31T22:00")
    assert list(islice(monthly.following(at("2026-01-06T09:00")), 1)) == [at("2026-02-03T09:00")]


def test_the_values_describe_themselves() -> None:
    assert read(**MONTHLY).describe() == "FREQ=MONTHLY;BYDAY=1TU from 2026-01-06T10:00 (Europe/Berlin)"
    assert read(**QUARTERLY).describe() == "once per quarter (Europe/Berlin)"
    april = read(**QUARTERLY, year_starts=4)
    assert isinstance(april, PeriodCadence)
    assert april.describe() == "once per quarter of years from April on (Europe/Berlin)"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({**MONTHLY, "once_per": "year"}, "needs exactly one of rrule, once_per"),
        ({"start": "2026-01-01", "time_zone": "UTC"}, "needs exactly one of rrule, once_per"),
        ({"rrule": "FREQ=DAILY", "time_zone": "UTC"}, "start is missing; write one such as 2026-01-06T10:00"),
        (
            {"rrule": "FREQ=DAILY", "start": "2026-01-01"},
            "time_zone is missing; write one such as Europe/Berlin",
        ),
        (
            {**MONTHLY, "time_zone": "Europe/Berlim"},
            'time_zone "Europe/Berlim" is unknown; did you mean "Europe/Berlin"?',
        ),
        ({**MONTHLY, "time_zone": "berlin"}, 'time_zone "berlin" is unknown; did you mean "Europe/Berlin"?'),
        ({**MONTHLY, "time_zone": "localtime"}, 'time_zone "localtime" is unknown; write a name'),
        ({**MONTHLY, "time_zone": "posixrules"}, 'time_zone "posixrules" is unknown; write a name'),
        ({**MONTHLY, "time_zone": "right/UTC"}, 'time_zone "right/UTC" is unknown; write a name'),
        ({**MONTHLY, "start": "2026-02-30T10:00"}, "2026-02-30T10:00 does not exist"),
        ({**MONTHLY, "start": "2026-01-06T10:00Z"}, "is no local time; write one such as 2026-01-06T10:00"),
        ({"once_per": "year", "time_zone": "UTC"}, "start is missing; write one such as 2026-01-01"),
        ({**MONTHLY, "year_starts": 4}, "year_starts goes with once_per only"),
        ({**QUARTERLY, "start": "2026-01-01T10:00"}, "with once_per it is a day, such as 2026-01-01"),
        ({**QUARTERLY, "once_per": "week"}, "Invalid enum value 'week'"),
        ({**QUARTERLY, "year_starts": 13}, "<= 12"),
        ({**MONTHLY, "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "does not occur within 10 years"),
    ],
)
def test_a_cadence_that_cannot_be_followed_is_one_line(written: dict[str, Any], problem: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        read(**written)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
