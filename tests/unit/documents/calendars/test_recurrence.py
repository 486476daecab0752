"""Recurrence rules, against the examples of RFC 5545."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.documents.calendars.recurrence import Recurrence
from rollback_drills.documents.calendars.rule_parts import DAYS
from rollback_drills.documents.calendars.wall_time import to_instant
from tests.samples.examples import examples

NEW_YORK = "America/New_York"
START = "1997-09-02T09:00"


def days_of(rule: str, count: int, start: str = START) -> list[str]:
    recurrence = Recurrence(rule, start, NEW_YORK)
    recurrence.check()
    return [str(each.date()) for each in islice(recurrence.local_occurrences(), count)]


# ruff: noqa: E501 - a line for each example

# RFC 5545, 3.8.5.3: the rule, and the days that stand there (the first of them, where it goes on).
EXAMPLES = [
    ("FREQ=DAILY;COUNT=10", START, [f"1997-09-{day:02}" for day in range(2, 12)]),
    ("FREQ=DAILY;INTERVAL=2", START, ["1997-09-02", "1997-09-04", "1997-09-06"]),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", START, ["1997-09-02", "1997-09-12", "1997-09-22", "1997-10-02", "1997-10-12"]),
    ("FREQ=WEEKLY;COUNT=10", START, ["1997-09-02", "1997-09-09", "1997-09-16", "1997-09-23", "1997-09-30"]),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", START, ["1997-09-02", "1997-09-16", "1997-09-30", "1997-10-14"]),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", START, ["1997-09-02", "1997-09-04", "1997-09-09", "1997-09-11"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", START,
     ["1997-09-02", "1997-09-04", "1997-09-16", "1997-09-18", "1997-09-30", "1997-10-02", "1997-10-14", "1997-10-16"]),
    ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05T09:00", ["1997-09-05", "1997-10-03", "1997-11-07", "1997-12-05"]),
    ("FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "1997-09-07T09:00",
     ["1997-09-07", "1997-09-28", "1997-11-02", "1997-11-30", "1998-01-04", "1998-01-25"]),
    ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22T09:00",
     ["1997-09-22", "1997-10-20", "1997-11-17", "1997-12-22", "1998-01-19", "1998-02-16"]),
    ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28T09:00", ["1997-09-28", "1997-10-29", "1997-11-28", "1997-12-29"]),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", START, ["1997-09-02", "1997-09-15", "1997-10-02", "1997-10-15"]),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997-09-30T09:00", ["1997-09-30", "1997-10-01", "1997-10-31", "1997-11-01"]),
    ("FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "1997-09-10T09:00",
     ["1997-09-10", "1997-09-11", "1997-09-12", "1997-09-13", "1997-09-14", "1997-09-15", "1999-03-10"]),
    ("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", START, ["1997-09-02", "1997-09-09", "1997-09-16", "1997-09-23", "1997-09-30", "1997-11-04"]),
    ("FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "1997-06-10T09:00", ["1997-06-10", "1997-07-10", "1998-06-10", "1998-07-10"]),
    ("FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3", "1997-03-10T09:00", ["1997-03-10", "1999-01-10", "1999-02-10", "1999-03-10"]),
    ("FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "1997-01-01T09:00",
     ["1997-01-01", "1997-04-10", "1997-07-19", "2000-01-01", "2000-04-09", "2000-07-18"]),
    ("FREQ=YEARLY;BYDAY=20MO", "1997-05-19T09:00", ["1997-05-19", "1998-05-18", "1999-05-17"]),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12T09:00", ["1997-05-12", "1998-05-11", "1999-05-17"]),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13T09:00", ["1997-03-13", "1997-03-20", "1997-03-27", "1998-03-05"]),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", START, ["1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13", "2000-10-13"]),
    ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "1997-09-13T09:00", ["1997-09-13", "1997-10-11", "1997-11-08"]),
    ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996-11-05T09:00",
     ["1996-11-05", "2000-11-07", "2004-11-02"]),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04T09:00", ["1997-09-04", "1997-10-07", "1997-11-06"]),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29T09:00", ["1997-09-29", "1997-10-30", "1997-11-27", "1997-12-30"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05T09:00", ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05T09:00", ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15T09:00",
     ["2007-01-15", "2007-01-30", "2007-02-15", "2007-03-15", "2007-03-30"]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "start", "days"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_an_example_of_the_rfc_gives_the_days_that_stand_there(
    rule: str, start: str, days: list[str]
) -> None:
    assert days_of(rule, len(days), start) == days


@pytest.mark.parametrize(
    ("until", "last"),
    [("19971224T000000Z", "1997-12-23"), ("19971224T085959", "1997-12-23"), ("19971224", "1997-12-24")],
)
def test_a_rule_ends_with_its_last_time_and_a_day_counts_to_its_end(until: str, last: str) -> None:
    assert days_of(f"FREQ=DAILY;UNTIL={until}", 1000)[-1] == last


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30"),  # does not exist: 03:30 in summer
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"),  # exists twice: the first, in summer
        ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45"),  # a gap of half an hour
        ("2011-12-30T10:00", "Pacific/Apia", "2011-12-30T20:00"),  # a day that was left out
    ],
)
def test_a_time_on_the_wall_is_read_as_the_rfc_says(local: str, zone: str, instant: str) -> None:
    assert to_instant(datetime.fromisoformat(local), zone) == datetime.fromisoformat(instant).replace(
        tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("", "rrule '' is no rule; write one such as FREQ=MONTHLY;BYDAY=1TU"),
        ("FREQ=HOURLY", "rrule has the FREQ HOURLY; must be one of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("BYDAY=MO", "rrule has the FREQ of nothing; must be one of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("FREQ=MONTHLY;BYDAI=MO", "rrule has the unknown part 'BYDAI'; did you mean BYDAY?"),
        ("FREQ=DAILY;FREQ=DAILY", "rrule has the part FREQ twice; keep one of them"),
        ("FREQ=WEEKLY;BYDAY=1MO", "rrule has the BYDAY 1MO; numbers go with months and years only"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "rrule has BYWEEKNO, which does not go with FREQ=MONTHLY (RFC 5545)"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "rrule has BYMONTHDAY, which does not go with FREQ=WEEKLY (RFC 5545)"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "rrule has COUNT and UNTIL; keep one of them"),
        ("FREQ=MONTHLY;BYSETPOS=1", "rrule has BYSETPOS, which needs another BY… to choose from"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "rrule has the BYMONTHDAY 32; must be from 1 to 31, or from -1 to -31"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "rrule has the BYMONTHDAY 0; must be from 1 to 31, or from -1 to -31"),
        ("FREQ=MONTHLY;BYDAY=1MO,6MO", "rrule has the BYDAY 1MO,6MO; a month has each weekday at most 5 times"),
        ("FREQ=YEARLY;BYMONTH=2;BYDAY=-53MO", "rrule has the BYDAY -53MO; a month has each weekday at most 5 times"),
        ("FREQ=DAILY;BYHOUR=9,15;BYSETPOS=3", "rrule has the BYSETPOS 3; a day has 2 to choose from"),
        ("FREQ=DAILY;INTERVAL=0", "rrule has the INTERVAL 0; must be a number from 1 to 36,525"),
        ("FREQ=DAILY;UNTIL=tomorrow", "rrule has the UNTIL TOMORROW; write it as 20261231,"),
        ("FREQ=DAILY;UNTIL=20261301", "UNTIL=20261301 does not exist"),
        ("FREQ=DAILY;UNTIL=99991231T235959Z", "UNTIL=99991231T235959Z does not exist"),
        ("FREQ=DAILY;UNTIL=29991231", "UNTIL is more than 10,000 days after the start"),
        ("FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,5,10,15,20,25,30,35,40", "rrule occurs 27 times a day; at most 24"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "does not occur within 10 years after its start"),
        ("FREQ=YEARLY;BYMONTH=12;UNTIL=20261130", "does not occur before its UNTIL; let it end later"),
        ("FREQ=DAILY;" + "BYMONTH=1;" * 100, "rrule is longer than 500 characters"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_followed_is_one_line_that_names_the_part(rule: str, problem: str) -> None:
    with pytest.raises(ValueError, match="rrule") as raised:
        Recurrence(rule, "2026-01-06T10:00", "Europe/Berlin").check()
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-01-06"),
        ("FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11", "2026-01-06"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "2026-01-06"),
        ("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2", "2026-01-06"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31", "2026-01-06"),
        ("FREQ=MONTHLY;BYDAY=5FR;BYMONTHDAY=1", "2026-01-06"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=3", "2026-01-06"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1,2,3,4", "2026-01-06"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=3", "2026-01-06"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2027-01-01"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=2", "2026-01-06"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYSETPOS=9", "2026-01-06"),
        ("FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1", "2026-01-06"),
        ("FREQ=YEARLY;BYDAY=53MO;BYSETPOS=2", "2026-01-06"),
    ],
)
def test_a_rule_that_never_occurs_is_found_at_once(rule: str, start: str) -> None:
    Recurrence("FREQ=DAILY", start, "UTC").check()  # loads the library
    began = process_time()
    with pytest.raises(ValueError, match="does not occur within 10 years after its start; fix the rule"):
        Recurrence(rule, start, "Europe/Berlin").check()
    assert process_time() - began < 0.1  # 0.012 s at most; a search up to the year 9999 takes four seconds


def test_an_endless_rule_is_not_followed_for_ever() -> None:
    with pytest.raises(OverflowError, match=r"10,000 occurrences; let it start later"):
        list(Recurrence("FREQ=DAILY", "1926-01-06", "UTC").local_occurrences())


PARTS: dict[str, st.SearchStrategy[int | str]] = {
    "INTERVAL": st.integers(1, 500),
    "BYMONTH": st.integers(1, 12),
    "BYMONTHDAY": st.integers(-31, 31).filter(bool),
    "BYYEARDAY": st.integers(-366, 366).filter(bool),
    "BYWEEKNO": st.integers(-53, 53).filter(bool),
    "BYSETPOS": st.integers(-366, 366).filter(bool),
    "BYHOUR": st.integers(0, 23),
    "BYDAY": st.tuples(st.integers(-53, 53), st.sampled_from(DAYS)).map(
        lambda day: f"{day[0] or ''}{day[1]}"
    ),
}


@pytest.mark.slow
@settings(max_examples=examples(1000))
@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.fixed_dictionaries(
        {}, optional={name: st.lists(each, min_size=1, max_size=3) for name, each in PARTS.items()}
    ),
    st.dates(datetime(1900, 1, 1).date(), datetime(2080, 1, 1).date()),  # noqa: DTZ001 - on the wall
)
def test_any_rule_of_known_parts_occurs_or_is_refused_at_once(
    frequency: str, parts: dict[str, list[int | str]], start: date
) -> None:
    lists = [
        f"{name}={','.join(map(str, values[:1] if name == 'INTERVAL' else values))}"
        for name, values in parts.items()
    ]
    recurrence = Recurrence(";".join([f"FREQ={frequency}", *lists]), str(start), "UTC")
    began = process_time()
    problem = ""
    try:
        recurrence.check()
    except ValueError as error:
        problem = str(error)
    if problem:
        assert problem.startswith("rrule ")
        assert "\n" not in problem
    else:
        first = next(recurrence.local_occurrences()).date()
        assert start <= first <= start + timedelta(days=3660)
    assert process_time() - began < 1  # nearly always 0.02 s
