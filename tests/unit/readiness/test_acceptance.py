"""Which times of drills and decisions are believed, although clocks differ (contract §8.3)."""

from datetime import timedelta

import pytest

from rollback_drills.readiness.acceptance import CLOCK_SKEW, explain_future
from tests.samples.builders import NOW

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize("later", [timedelta(days=-400), timedelta(0), CLOCK_SKEW])
def test_a_time_that_has_passed_is_believed_and_one_within_which_clocks_differ(later: timedelta) -> None:
    assert explain_future(NOW + later, now=NOW) == ""


@pytest.mark.parametrize("later", [CLOCK_SKEW + TICK, timedelta(days=400)])
def test_a_later_time_is_in_the_future(later: timedelta) -> None:
    assert explain_future(NOW + later, now=NOW).startswith("is in the future; ")
