from datetime import datetime
from itertools import dropwhile, islice, takewhile

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.later_start import start_later
from rollback_drills.documents.recurrence import Recurrence, read_local
from tests.samples.examples import examples
from tests.samples.recurrences import recurrences

TIMES = st.datetimes(datetime(2022, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001 - on the wall
LAST = datetime(2040, 1, 1)  # noqa: DTZ001 - on the wall


def times_since(recurrence: Recurrence, since: datetime) -> list[datetime]:
    times = takewhile(lambda local: local < LAST, recurrence.local_occurrences())
    return list(islice(dropwhile(lambda local: local < since, times), 20))


@pytest.mark.slow
@settings(max_examples=examples(1000))
@given(recurrences(), TIMES)
def test_a_rule_that_starts_later_occurs_as_if_it_had_not(recurrence: Recurrence, since: datetime) -> None:
    try:
        recurrence.check()
    except ValueError:
        assume(False)

    later = start_later(recurrence, since)

    assert times_since(later, since) == times_since(recurrence, since)
    assert read_local(later.start) <= max(since, read_local(recurrence.start))


@pytest.mark.parametrize(
    ("rule", "start", "since", "moved"),
    [
        ("FREQ=DAILY;INTERVAL=3", "2026-01-01T09:00", "2026-01-12", "2026-01-10T09:00:00"),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-01-01T09:00", "2026-02-01", "2026-01-29T09:00:00"),
        ("FREQ=MONTHLY;INTERVAL=5", "2026-01-31T09:00", "2027-01-01", "2026-11-01T00:00:00"),
        ("FREQ=YEARLY;INTERVAL=2", "2024-02-29T09:00", "2029-06-01", "2028-01-01T00:00:00"),
        ("FREQ=YEARLY", "2026-06-01T09:00", "2026-12-01", "2026-06-01T09:00"),
        ("FREQ=DAILY;COUNT=5000", "2026-01-01T09:00", "2030-01-01", "2026-01-01T09:00"),
        ("FREQ=DAILY", "2026-01-01T09:00", "2020-01-01", "2026-01-01T09:00"),
    ],
)
def test_a_rule_starts_whole_intervals_later_unless_it_counts(
    rule: str, start: str, since: str, moved: str
) -> None:
    assert start_later(Recurrence(rule, start, "UTC"), read_local(since)).start == moved
