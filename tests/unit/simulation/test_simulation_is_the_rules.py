"""A simulation jumps from change to change, and finds what the real rules find at every single time."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from rollback_drills.documents.subject import Subject
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.schedule_walk import ScheduleWalk
from tests.samples.examples import MANY, examples
from tests.samples.plain_walk import PlainWalk, write_lines
from tests.samples.simulated_fleets import fleets, scenarios

DAYS, MOST_SCHEDULES = (365, 3) if MANY else (30, 1)
GENERATE = (Phase.explicit, Phase.reuse, Phase.generate)
"""To find a smaller example, a year would be walked through for minutes."""
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def find_difference(fleet: list[Subject], scenario: Scenario) -> None:
    for subject in fleet:
        walk = ScheduleWalk(subject, scenario)
        found = sorted(write_lines(walk.walk()))
        assert walk.cut_off_at is None
        assert found == PlainWalk(subject, scenario).walk()


@pytest.mark.slow
@settings(max_examples=examples(20), phases=GENERATE, suppress_health_check=list(HealthCheck))
@given(fleets(MOST_SCHEDULES, 1), scenarios(DAYS, HOUR))
def test_a_simulation_finds_what_the_rules_find_hour_by_hour(
    fleet: list[Subject], scenario: Scenario
) -> None:
    find_difference(fleet, scenario)


@pytest.mark.slow
@settings(max_examples=examples(20), phases=GENERATE, suppress_health_check=list(HealthCheck))
@given(fleets(1, 0.1), scenarios(1, MINUTE))
def test_a_simulation_finds_what_the_rules_find_minute_by_minute(
    fleet: list[Subject], scenario: Scenario
) -> None:
    find_difference(fleet, scenario)
