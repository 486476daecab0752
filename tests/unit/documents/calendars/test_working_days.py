"""Working days, public holidays, and due times that move to a working day."""

import sys
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rollback_drills.documents.calendars.working_days import Shift, WorkCalendar, find_holidays

CLOSED = [str(date(2026, 1, 1) + timedelta(days=count)) for count in range(370)]


def read(**written: Any) -> WorkCalendar:
    return msgspec.convert(written, WorkCalendar)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-12-23", True),
        ("2026-12-24", False),  # closed
        ("2026-12-25", False),  # a holiday
        ("2026-12-26", True),  # a Saturday, and a holiday, but open
        ("2026-12-27", False),  # a Sunday
        ("2026-03-08", False),  # a Sunday, and International Women's Day in Berlin
        ("2027-03-08", False),  # the same on a Monday
    ],
)
def test_a_calendar_knows_weekdays_holidays_and_its_own_days(day: str, *, works: bool) -> None:
    calendar = read(holidays="DE-BE", closed=["2026-12-24"], open=["2026-12-26"])
    assert calendar.is_working_day(date.fromisoformat(day)) is works


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    womens_day = date(2027, 3, 8)
    assert not read(holidays="DE-BE").is_working_day(womens_day)
    assert read(holidays="DE-BY").is_working_day(womens_day)
    assert read(holidays="DE").is_working_day(womens_day)


@pytest.mark.parametrize(
    ("local", "to", "moved"),
    [
        ("2026-08-01T10:00", "next_business_day", "2026-08-03T10:00"),  # a Saturday
        ("2026-08-01T10:00", "previous_business_day", "2026-07-31T10:00"),
        ("2026-08-01T10:00", "nearest_business_day", "2026-07-31T10:00"),
        ("2026-08-02T10:00", "nearest_business_day", "2026-08-03T10:00"),  # a Sunday
        ("2026-05-01T10:00", "next_business_day", "2026-05-04T10:00"),  # a holiday before a weekend
        ("2026-04-05T10:00", "nearest_business_day", "2026-04-07T10:00"),  # Easter: four days without work
        ("2026-08-05T10:00", "nearest_business_day", "2026-08-05T10:00"),
    ],
)
def test_a_due_time_moves_to_the_same_time_of_a_working_day(local: str, to: str, moved: str) -> None:
    shift = msgspec.convert({"to": to, "calendar": "berlin"}, Shift)
    found = shift.move(datetime.fromisoformat(local), read(holidays="DE-BE"))
    assert found == datetime.fromisoformat(moved)


def test_of_two_days_that_are_as_near_the_earlier_one_is_taken() -> None:
    shift = msgspec.convert({"to": "nearest_business_day", "calendar": "berlin"}, Shift)
    calendar = read(closed=["2026-08-05"])  # a Wednesday
    assert shift.move(datetime.fromisoformat("2026-08-05T10:00"), calendar).day == 4


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({"holidays": "XX"}, "holidays has the unknown country 'XX'; write a code of ISO 3166 such as DE"),
        ({"holidays": "Germany"}, "holidays has the unknown country 'Germany'"),
        ({"holidays": ""}, "Expected `str` of length >= 1 - at `$.holidays`"),
        ({"holidays": "DE-XX"}, "holidays has the unknown part 'XX' of DE"),
        (
            {"closed": ["2026-02-30"]},
            'is "2026-02-30", which is no day of the calendar; write one such as 2026-12-24',
        ),
        ({"open": ["2026-W01-1"]}, 'is "2026-W01-1", which is no day of the calendar'),
        ({"closed": ["2026-01-02"], "open": ["2026-01-02"]}, "closed and open both have 2026-01-02"),
        ({"closed": ["9999-12-31"]}, "is 9999-12-31, which is not in the years 1900 to 9900; fix it"),
        ({"closed": CLOSED}, "closed leaves no working day in the year from 2026-01-01 on; open one"),
        ({"working_days": []}, "length >= 1"),
        ({"working_days": ["monday"]}, "Invalid enum value 'monday'"),
    ],
)
def test_a_calendar_that_cannot_be_used_is_one_line(written: dict[str, Any], problem: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        read(**written)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_without_the_extra_the_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find_holidays.cache_clear()
    monkeypatch.setitem(sys.modules, "holidays", None)

    with pytest.raises(msgspec.ValidationError, match="holidays needs the extra `calendars`, which is not"):
        read(holidays="DE")


@pytest.mark.parametrize("to", ["next_business_day", "previous_business_day", "nearest_business_day"])
def test_after_the_longest_break_there_is_a_working_day(to: str) -> None:
    shift = msgspec.convert({"to": to, "calendar": "berlin"}, Shift)
    calendar = read(closed=CLOSED[:360], working_days=["mon"])
    for day in ("2025-12-30", *CLOSED[::60], CLOSED[359], "2027-01-05"):
        assert calendar.is_working_day(shift.move(datetime.fromisoformat(day), calendar).date())
