from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.cadences.cadence import CalendarCadence
from rollback_drills.documents.calendars.working_days import WEEK, Day, WorkCalendar
from rollback_drills.documents.calendars.working_time import BusinessHours, WorkingTime
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.planning.business_hours import add_business_hours
from tests.samples.builders import SCHEDULE, written
from tests.samples.examples import examples
from tests.samples.recurrences import ZONES

UTC_WEEK = WorkingTime()
NEW_YORK, BERLIN = WorkingTime("America/New_York"), WorkingTime("Europe/Berlin")
LORD_HOWE = WorkingTime("Australia/Lord_Howe", BusinessHours("00:00", "04:00", WEEK))
NIGHT_NEW_YORK = WorkingTime("America/New_York", BusinessHours("00:00", "04:00", WEEK))
NIGHT_BERLIN = WorkingTime("Europe/Berlin", BusinessHours("00:00", "04:00", WEEK))
LATE_BERLIN = WorkingTime("Europe/Berlin", BusinessHours("22:00", "06:00", ("sat",)))
LATE_NEW_YORK = WorkingTime("America/New_York", BusinessHours("22:00", "06:00"))
ALL_DAY = WorkingTime("Europe/Berlin", BusinessHours("00:00", "24:00"))
NEARLY_ALWAYS = WorkingTime("Europe/Berlin", BusinessHours("03:00", "02:30", WEEK))
HOLIDAYS = WorkCalendar(holidays="DE-BE", closed=("2026-12-24",), open=("2026-12-05",))
BERLIN_OFFICE = WorkingTime("Europe/Berlin", BusinessHours(calendar="berlin"), HOLIDAYS)
BERLIN_NIGHT = WorkingTime("Europe/Berlin", BusinessHours("22:00", "06:00", calendar="berlin"), HOLIDAYS)
BERLIN_DAY = WorkingTime("Europe/Berlin", BusinessHours("00:00", "24:00", calendar="berlin"), HOLIDAYS)
EVENING = WorkingTime("UTC", BusinessHours("16:00", "24:00"))


@pytest.mark.parametrize(
    ("start", "hours", "working", "end"),
    [
        pytest.param("2026-12-01T06:00", 1, UTC_WEEK, "2026-12-01T10:00", id="before the day begins"),
        pytest.param("2026-12-01T09:00", 1, UTC_WEEK, "2026-12-01T10:00", id="as it begins"),
        pytest.param("2026-12-01T16:00", 1, UTC_WEEK, "2026-12-01T17:00", id="exactly to its end"),
        pytest.param("2026-12-01T16:00", 1.25, UTC_WEEK, "2026-12-02T09:15", id="beyond its end"),
        pytest.param("2026-12-01T17:00", 1, UTC_WEEK, "2026-12-02T10:00", id="as it ends"),
        pytest.param("2026-12-01T23:00", 8, UTC_WEEK, "2026-12-02T17:00", id="in the night, a whole day"),
        pytest.param("2026-12-04T16:00", 2, UTC_WEEK, "2026-12-07T10:00", id="over the weekend"),
        pytest.param("2026-12-05T12:00", 1, UTC_WEEK, "2026-12-07T10:00", id="on a Saturday"),
        pytest.param("2026-12-01T10:00", 0, UTC_WEEK, "2026-12-01T10:00", id="nothing, while at work"),
        pytest.param("2026-12-01T17:00", 0, UTC_WEEK, "2026-12-02T09:00", id="nothing, after hours"),
        pytest.param("2026-12-05T12:00", 0, UTC_WEEK, "2026-12-07T09:00", id="nothing, on a Saturday"),
        pytest.param("2026-12-01T09:00", 40, UTC_WEEK, "2026-12-07T17:00", id="a week"),
        # the wall decides when a day begins: 9:00 is 14:00 UTC in winter and 13:00 in summer
        pytest.param("2026-03-06T20:00", 4, NEW_YORK, "2026-03-09T15:00", id="clocks forward in New York"),
        pytest.param("2026-10-30T19:00", 4, NEW_YORK, "2026-11-02T16:00", id="clocks back in New York"),
        pytest.param("2026-03-27T14:00", 4, BERLIN, "2026-03-30T09:00", id="clocks forward in Berlin"),
        pytest.param("2026-10-23T13:00", 4, BERLIN, "2026-10-26T10:00", id="clocks back in Berlin"),
        # a night on which the clocks change has the hours that it really has
        pytest.param("2026-03-08T05:00", 3, NIGHT_NEW_YORK, "2026-03-08T08:00", id="three hours in New York"),
        pytest.param("2026-11-01T04:00", 5, NIGHT_NEW_YORK, "2026-11-01T09:00", id="five hours in New York"),
        pytest.param("2026-03-28T23:00", 3, NIGHT_BERLIN, "2026-03-29T02:00", id="three hours in Berlin"),
        pytest.param("2026-10-24T22:00", 5, NIGHT_BERLIN, "2026-10-25T03:00", id="five hours in Berlin"),
        pytest.param("2026-10-03T13:30", 3.5, LORD_HOWE, "2026-10-03T17:00", id="half an hour less"),
        pytest.param("2026-04-04T13:00", 4.5, LORD_HOWE, "2026-04-04T17:30", id="half an hour more"),
        # work that lasts beyond midnight belongs to the day on which it begins
        pytest.param("2026-12-05T01:00", 3, LATE_NEW_YORK, "2026-12-05T06:00", id="begins on Friday evening"),
        pytest.param("2026-12-05T10:00", 1, LATE_NEW_YORK, "2026-12-05T11:00", id="to its end on Saturday"),
        pytest.param("2026-12-05T11:00", 1, LATE_NEW_YORK, "2026-12-08T04:00", id="and not on Saturday"),
        pytest.param("2026-12-05T10:00", 0, LATE_NEW_YORK, "2026-12-05T10:00", id="nothing, at night"),
        pytest.param("2026-03-28T21:00", 7, LATE_BERLIN, "2026-03-29T04:00", id="a night of seven hours"),
        pytest.param("2026-10-24T20:00", 9, LATE_BERLIN, "2026-10-25T05:00", id="a night of nine hours"),
        pytest.param(
            "2026-10-24T20:00", 9.5, LATE_BERLIN, "2026-10-31T21:30", id="and half an hour a week later"
        ),
        pytest.param("2026-03-28T02:00", 24, NEARLY_ALWAYS, "2026-03-29T02:00", id="no hour counts twice"),
        pytest.param("2026-12-01T20:00", 5, EVENING, "2026-12-02T17:00", id="to midnight, and on"),
        pytest.param("2026-12-01T20:00", 4, EVENING, "2026-12-02T00:00", id="exactly to midnight"),
        pytest.param("2026-12-04T22:00", 2, ALL_DAY, "2026-12-07T00:00", id="whole days, over the weekend"),
        # public holidays in Berlin: Good Friday to Easter Monday, after the clocks went forward
        pytest.param("2026-03-27T15:00", 2, BERLIN_OFFICE, "2026-03-30T08:00", id="clocks forward"),
        pytest.param("2026-04-02T14:00", 2, BERLIN_OFFICE, "2026-04-07T08:00", id="over Easter"),
        pytest.param("2026-10-23T14:00", 2, BERLIN_OFFICE, "2026-10-26T09:00", id="clocks back"),
        pytest.param("2026-12-23T15:00", 2, BERLIN_OFFICE, "2026-12-28T09:00", id="over Christmas"),
        pytest.param("2027-03-05T16:00", 0, BERLIN_OFFICE, "2027-03-09T08:00", id="Women's Day on a Monday"),
        pytest.param("2026-12-04T15:00", 2, BERLIN_OFFICE, "2026-12-05T09:00", id="a Saturday that is open"),
        pytest.param("2026-04-02T20:00", 9, BERLIN_NIGHT, "2026-04-07T21:00", id="into a holiday"),
        pytest.param("2026-04-30T22:00", 1, BERLIN_DAY, "2026-05-03T23:00", id="from midnight, May Day"),
        pytest.param("2026-03-27T22:00", 24, BERLIN_DAY, "2026-03-30T21:00", id="clocks forward at night"),
        pytest.param("2026-12-02T12:00", 30, ALL_DAY, "2026-12-03T18:00", id="whole days without a gap"),
    ],
)
def test_hours_are_counted_while_the_owner_works(
    start: str, hours: float, working: WorkingTime, end: str
) -> None:
    found = add_business_hours(datetime.fromisoformat(start).replace(tzinfo=UTC), hours, working)

    assert found == datetime.fromisoformat(end).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.slow
def test_the_longest_wait_of_the_shortest_week_ends_some_day() -> None:
    working = WorkingTime("UTC", BusinessHours("09:00", "09:01", ("wed",)))

    assert add_business_hours(datetime(2026, 12, 1, tzinfo=UTC), 1000, working).year == 3176


STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone comes beside it
DAYS = st.lists(st.sampled_from(WEEK), min_size=1, unique=True).map(tuple)
QUARTER = timedelta(minutes=15)
QUARTERS = st.integers(0, 95)
ENDS = st.one_of(st.integers(0, 96), st.just(96))


def clock(quarters: int) -> str:
    return f"{quarters // 4:02}:{quarters % 4 * 15:02}"


def works(instant: datetime, working: WorkingTime) -> bool:
    """An oracle: whether work that began on some day near an instant has not ended."""
    zone = ZoneInfo(working.time_zone)

    def on(day: date, wall: str) -> float:
        hour, minute = map(int, wall.split(":"))
        day += timedelta(days=hour // 24)
        return datetime(day.year, day.month, day.day, hour % 24, minute, tzinfo=zone).timestamp()

    for back in range(3):
        day = instant.astimezone(zone).date() - timedelta(days=back - 1)
        last = day if working.hours.end > working.hours.start else day + timedelta(days=1)
        begins, ends = on(day, working.hours.start), on(last, working.hours.end)
        days = working.hours.days or WEEK[:5]
        is_on = working.calendar.is_working_day(day) if working.calendar else WEEK[day.weekday()] in days
        if is_on and begins <= instant.timestamp() < ends:
            return True
    return False


@pytest.mark.slow
@settings(max_examples=examples(200))
@given(
    st.sampled_from(
        ["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31", "2027-02-07"]
    ),
    QUARTERS,
    st.integers(0, 50),
    st.sampled_from(ZONES),
    st.tuples(QUARTERS, ENDS).filter(lambda pair: pair[0] != pair[1]),
    DAYS,
    st.none() | st.builds(WorkCalendar, DAYS, st.sampled_from(["", "DE-BE", "AU-NSW", "MA"])),
)
def test_hours_are_counted_as_a_watch_counts_them(
    day: str,
    start: int,
    wait: int,
    zone: str,
    clocks: tuple[int, int],
    days: tuple[Day, ...],
    calendar: WorkCalendar | None,
) -> None:
    working = WorkingTime(zone, BusinessHours(clock(clocks[0]), clock(clocks[1]), days), calendar)
    begin = instant = datetime.fromisoformat(day).replace(tzinfo=UTC) + start * QUARTER
    left = wait
    while left or not (wait or works(instant, working)):
        left -= works(instant, working)
        instant += QUARTER

    assert add_business_hours(begin, wait / 4, working) == instant


@pytest.mark.slow
@given(STARTS, st.floats(0, 100), st.floats(0, 100), st.sampled_from(ZONES), st.tuples(QUARTERS, ENDS), DAYS)
def test_more_hours_never_end_earlier(
    start: datetime, hours: float, more: float, zone: str, clocks: tuple[int, int], days: tuple[Day, ...]
) -> None:
    assume(clocks[0] != clocks[1])
    working = WorkingTime(zone, BusinessHours(clock(clocks[0]), clock(clocks[1]), days))

    end = add_business_hours(start, hours, working)

    assert start <= end <= add_business_hours(start, hours + more, working)
    assert end - start >= timedelta(hours=hours)


@pytest.mark.parametrize(
    ("calendar", "path", "problem"),
    [
        (
            {"time_zone": "Europe/Berlyn"},
            "owner_calendars",
            'Europe/Berlyn" is unknown; did you mean',
        ),
        ({"time_zone": "Mars/Olympus Mons"}, "owner_calendars", "is unknown"),
        ({"time_zone": ""}, "owner_calendars", "is unknown"),
        (
            {"business_hours": {"start": "09:00", "end": "09:00"}},
            "business_hours",
            "start and end are both 09:00",
        ),
        ({"business_hours": {"start": "24:00"}}, "business_hours.start", "24:00"),
        ({"business_hours": {"end": "24:30"}}, "business_hours.end", "24:30"),
        ({"business_hours": {"start": "9:00"}}, "business_hours.start", "9:00"),
        ({"business_hours": {"days": ["monday"]}}, "business_hours.days[0]", "monday"),
        ({"business_hours": {"days": []}}, "business_hours.days", ""),
        ({"business_hours": {"from": "09:00"}}, "business_hours", "from"),
        (
            {"business_hours": {"days": ["sat"], "calendar": "berlin"}},
            "business_hours",
            "has both days and calendar; keep one of them",
        ),
        (
            {"business_hours": {"calendar": "berlim"}},
            'business_hours.calendar is "berlim"',
            'which is not in calendars; did you mean "berlin"?',
        ),
    ],
)
def test_a_working_time_that_cannot_be_is_refused_where_it_stands(
    calendar: dict[str, object], path: str, problem: str
) -> None:
    source = parse_document(
        Schedule,
        written({**SCHEDULE, "owner_calendars": {"lead-a": calendar}, "calendars": {"berlin": {}}}),
        "schedule.json",
    )

    assert source.document is None
    assert path in source.problem
    assert problem in source.problem


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"owner": "lead"}, " needs after_minutes or after_business_hours; write one of them"),
        (
            {"owner": "lead", "after_minutes": 5, "after_business_hours": 1},
            " has both after_minutes and after_business_hours; keep one of them",
        ),
        ({"after_minutes": 5}, "owner"),
        ({"owner": "", "after_minutes": 5}, "owner"),
        ({"owner": "lead", "after_minutes": -1}, "after_minutes"),
        ({"owner": "lead", "after_business_hours": 1000.5}, "after_business_hours"),
        ({"owner": "lead", "after_hours": 5}, "after_hours"),
    ],
)
def test_a_step_that_cannot_be_is_refused_where_it_stands(step: dict[str, object], problem: str) -> None:
    routes = {"team-a": {"escalation_steps": [step]}}

    source = parse_document(Schedule, written({**SCHEDULE, "owner_routes": routes}), "schedule.json")

    assert source.document is None
    assert "escalation_steps[0]" in source.problem
    assert problem in source.problem


@pytest.mark.parametrize("spelling", ["berlin", "BERLIN", " Berlin "])
def test_a_calendar_is_known_in_any_spelling(spelling: str) -> None:
    calendars = {"Berlin": {"closed": ["2026-12-24"]}}
    hours = {"lead-a": {"business_hours": {"calendar": spelling}}}
    cadence = {"once_per": "month", "start": "2026-01-01", "time_zone": "UTC"}
    shift = {"shift": {"to": "next_business_day", "calendar": spelling}}
    base = {key: each for key, each in SCHEDULE.items() if key not in ("interval_days", "next_due_at")}
    document = {**base, "calendars": calendars, "owner_calendars": hours, "cadence": {**cadence, **shift}}

    schedule = parse_document(Schedule, written(document), "schedule.json").document

    assert schedule
    assert isinstance(schedule.cadence, CalendarCadence)
    assert schedule.cadence.calendar == schedule.calendars["Berlin"]
