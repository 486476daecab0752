from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.calendars.occurrences import find_last_year, find_occurrences
from rollback_drills.documents.calendars.recurrence import Recurrence
from tests.samples.examples import examples
from tests.samples.recurrences import recurrences

LAST_YEAR = 2040


def times_of(recurrence: Recurrence, year: int) -> tuple[datetime, ...]:
    times = takewhile(lambda local: local.year <= year, recurrence.local_occurrences())
    return tuple(local for local in times if local.year == year)


@pytest.mark.slow
@settings(max_examples=examples(1000))
@given(recurrences(), st.integers(2022, 2031))
def test_a_year_has_the_times_that_plain_iteration_finds(recurrence: Recurrence, year: int) -> None:
    try:
        recurrence.check()
    except ValueError:
        assume(False)

    assert find_occurrences(recurrence, year) == times_of(recurrence, year)
    last = find_last_year(recurrence)
    assert (last is not None) == recurrence.ends
    assert last is None or not any(find_occurrences(recurrence, last + step) for step in (1, 2, 7))


def show(times: tuple[datetime, ...]) -> Iterator[str]:
    for local in times:
        yield f"{local:%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("rule", "start", "year", "first"),
    [
        ("FREQ=DAILY;INTERVAL=3", "1926-01-01T09:00", 2026, "01-01 09:00"),
        ("FREQ=DAILY;INTERVAL=7", "1926-01-01T09:00", 2026, "01-02 09:00"),
        ("FREQ=WEEKLY;INTERVAL=2", "1926-01-01T09:00", 2027, "01-01 09:00"),
        ("FREQ=MONTHLY;INTERVAL=5", "1926-01-31T09:00", 2026, "01-31 09:00"),
        ("FREQ=YEARLY;INTERVAL=4", "1904-02-29T09:00", 2028, "02-29 09:00"),
        ("FREQ=YEARLY", "2026-06-01T09:00", 2026, "06-01 09:00"),
        ("FREQ=DAILY;COUNT=5000", "2020-01-01T09:00", 2026, "01-01 09:00"),
    ],
)
def test_a_rule_keeps_its_rhythm_for_a_century(rule: str, start: str, year: int, first: str) -> None:
    assert next(show(find_occurrences(Recurrence(rule, start, "UTC"), year))) == first


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        ("FREQ=DAILY", None),
        ("FREQ=DAILY;UNTIL=20261231", 2026),
        ("FREQ=DAILY;UNTIL=20270101T020000Z", 2026),  # New Year's Eve in New York
        ("FREQ=DAILY;COUNT=366", 2027),
        ("FREQ=DAILY;COUNT=365", 2026),
    ],
)
def test_the_year_of_the_last_occurrence_is_known(rule: str, last: int | None) -> None:
    assert find_last_year(Recurrence(rule, "2026-01-01", "America/New_York")) == last


@pytest.mark.parametrize("year", [1899, 2025, 9901])
def test_before_the_start_and_at_the_ends_of_the_calendar_nothing_occurs(year: int) -> None:
    assert find_occurrences(Recurrence("FREQ=DAILY", "2026-01-01", "UTC"), year) == ()
