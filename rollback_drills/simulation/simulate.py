"""Simulates a whole fleet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from rollback_drills.documents.subject import Subject
from rollback_drills.readiness.judgement import is_retired
from rollback_drills.simulation.happenings import AnyHappening
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.schedule_walk import ScheduleWalk


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happens in the simulated time."""

    scenario: Scenario
    schedule_count: int
    retired: Sequence[str]
    """The ids of the schedules to which nothing happens, because their documents retire them."""
    happenings: Sequence[AnyHappening]
    """In the order of time."""
    cut_off: Sequence[tuple[str, datetime]]
    """The schedules of which there was too much to look at, and from when on nothing is known of them."""


def simulate(
    subjects: Sequence[Subject], scenario: Scenario, progress: Callable[[int], None] = lambda _: None
) -> Simulation:
    """Simulate the schedules of a fleet, as if nobody was notified before.

    Args:
        subjects: The schedules.
        scenario: The period, and what people do.
        progress: Is called with the number of schedules that are done.
    """
    happenings: list[AnyHappening] = []
    cut_off = []
    for done, subject in enumerate(subjects, 1):
        walk = ScheduleWalk(subject, scenario)
        happenings.extend(walk.walk())
        if walk.cut_off_at:
            cut_off.append((walk.schedule_id, walk.cut_off_at))
        progress(done)
    happenings.sort(key=attrgetter("at"))
    retired = [each.schedule_id for each in subjects if is_retired(each.document)]
    return Simulation(scenario, len(subjects), retired, happenings, cut_off)
