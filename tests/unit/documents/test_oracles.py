"""Windows and due times against the walls of all time zones, minute by minute.

The oracle knows `zoneinfo` alone: no rules, no jumps over years. `make chaos` tries 100,000 examples of each.
"""

from datetime import date, datetime, timedelta
from itertools import pairwise, takewhile
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.cadences.calendar_cadence import WrittenCadence
from rollback_drills.documents.calendars.recurring_period import RecurringPeriod
from rollback_drills.documents.spans import Span
from tests.samples.examples import examples
from tests.samples.walls import (
    DAY,
    MINUTE,
    MINUTES_OF_DAY,
    Days,
    Wall,
    days_from,
    list_moments,
    list_month_starts,
    wall_of,
)

oracle = settings(
    max_examples=examples(100_000, elsewhere=60), suppress_health_check=[HealthCheck.filter_too_much]
)
Moment: TypeAlias = tuple[str, datetime]
Numbers: TypeAlias = tuple[int, int, int, int]
MINUTES = st.integers(0, MINUTES_OF_DAY - 1)


RECURRING = (  # plain numbers, since hypothesis draws those fastest
    st.deferred(lambda: st.sampled_from(list_moments())),
    st.integers(0, 400) | st.integers(0, 15_000),
    st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 127), st.integers(1, 31)),
    MINUTES,
)


def place(moment: Moment, back: int, numbers: Numbers) -> tuple[Wall, Days]:
    """Return a wall, and days that recur on it and began so many days ago."""
    wall = wall_of(*moment)
    return wall, days_from((wall.first + 2 * DAY).date() - back * DAY, *numbers)


@pytest.mark.slow
@oracle
@given(*RECURRING, st.integers(1, 3 * MINUTES_OF_DAY), st.integers(0, 31))
def test_a_window_is_open_in_the_minutes_in_which_the_wall_says_so(
    moment: tuple[str, datetime],
    back: int,
    numbers: tuple[int, int, int, int],
    minute: int,
    length: int,
    without: int,
) -> None:
    wall, days = place(moment, back, numbers)
    left_out = {(wall.first + each * DAY).date() for each in range(5) if without & 1 << each}
    begin = datetime.combine(days.start, datetime.min.time()) + minute * MINUTE
    written = {
        "rrule": days.rule,
        "start": begin.isoformat(),
        "end": (begin + length * MINUTE).isoformat(),
        "time_zone": wall.zone,
        "except": sorted(map(str, left_out)),
    }
    try:
        window = msgspec.convert(written, RecurringPeriod)
    except msgspec.ValidationError:  # it never ends
        assume(False)

    expected = []
    for day in wall.days():
        since, until = wall.find(day, minute), wall.find(day, minute + length)
        if since and until and since < until and day in days and day not in left_out:
            expected.append(Span(since, until))
    known = takewhile(lambda span: span.start_at <= wall.last, window.find_spans(wall.first))
    found = [span for span in known if span.start_at >= wall.first and span.end_at <= wall.last]
    assert found == expected
    inside = [wall.first + 4 * 60 * MINUTE * step for step in range(30)]
    bounds = [bound for span in expected for bound in span]
    for instant in (*inside, *bounds, *(bound - MINUTE for bound in bounds)):
        held = window.find_span(instant)
        containing = [span for span in expected if span.start_at <= instant < span.end_at]
        is_known = held is None or held in expected
        assert held == max(containing, default=None) or not is_known


@pytest.mark.slow
@oracle
@given(*RECURRING)
def test_a_drill_is_due_in_the_minute_in_which_the_wall_shows_it_first(
    moment: Moment, back: int, numbers: Numbers, minute: int
) -> None:
    wall, days = place(moment, back, numbers)
    begin = datetime.combine(days.start, datetime.min.time()) + minute * MINUTE
    try:
        cadence = read(rrule=days.rule, start=begin.isoformat(), time_zone=wall.zone)
    except msgspec.ValidationError:  # it never occurs
        assume(False)

    expected = [at for day in wall.days() if day in days and (at := wall.find(day, minute))]
    times = takewhile(lambda at: at <= wall.last, cadence.due_times(near=wall.first))
    assert [at for at in times if at >= wall.first] == expected
    for before, after in pairwise(sorted(set(expected))):  # a day that is left out is due with the next one
        assert next(cadence.following(before)) == after
        assert cadence.counts_from(after) == before
        assert cadence.find_due([before]) == after or days.start > (wall.first - 9 * DAY).date()


@pytest.mark.slow
@oracle
@given(
    st.deferred(lambda: st.sampled_from(list_month_starts())),
    st.sampled_from([("month", 1), ("quarter", 3), ("half_year", 6), ("year", 12)]),
    st.integers(1, 12),
    st.integers(0, 40 * 366),
    st.integers(-30 * 60, 30 * 60),
)
def test_a_period_ends_in_the_minute_in_which_the_wall_shows_the_next_one(
    month: Moment, period: tuple[str, int], year_starts: int, back: int, near: int
) -> None:
    wall, (name, months) = wall_of(*month), period
    start = month[1].date() - timedelta(days=back + 2)
    cadence = read(once_per=name, start=str(start), time_zone=wall.zone, year_starts=year_starts)

    begins = [day for day in wall.days() if day.day == 1 and (day.month - year_starts) % months == 0]
    expected = [wall.find(day, 0) for day in begins]
    times = takewhile(lambda at: at <= wall.last, cadence.due_times(near=wall.first))
    assert [at for at in times if at >= wall.first] == expected
    for at in filter(None, expected):
        drill = month[1] + near * MINUTE
        due = cadence.find_due([drill])
        assert due is not None
        assert (due > at) is (drill >= at or is_met_before(start, drill.date()))
        assert next(cadence.following(at)) > at


def is_met_before(start: date, day: date) -> bool:
    """Whether a drill lies in the period that ends, and so has met it: always, if that one counts."""
    return day >= start


def read(**written: Any) -> Any:
    return msgspec.convert(written, WrittenCadence).read({})
