"""What a simulation keeps in memory means what the database means: a week with real commits."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.simulation.assumptions import Assumptions
from rollback_drills.simulation.happenings import Notified
from rollback_drills.simulation.performed_drills import PerformedDrill
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.simulate import simulate
from tests.samples.builders import NOW
from tests.samples.databases import open_sqlite
from tests.samples.world import World

STEP: Final = timedelta(hours=3)
DAYS: Final = 9
PERFORMED_AT: Final = NOW + timedelta(days=5)
ANSWERED_AFTER: Final = STEP


def days(start: float, end: float) -> dict[str, str]:
    """Return a period by days since the beginning."""
    return {
        "start_at": (NOW + timedelta(days=start)).isoformat(),
        "end_at": (NOW + timedelta(days=end)).isoformat(),
    }


SCHEDULE: Final[dict[str, Any]] = {
    "next_due_at": (NOW + timedelta(days=1)).isoformat(),
    "due_policy": "after_completion",
    "interval_days": 17,
    "owner_routes": {
        "team-a": {
            "escalation_owner": "lead",
            "acknowledgement_minutes": 180,
            "escalation_steps": [{"owner": "director", "after_business_hours": 3}],
        },
        "team-b": {"escalation_owner": "lead"},
    },
    "maintenance_windows": [
        {**days(0, 2), "window_id": "freeze", "owners": ["team-b"], "providers": ["teams"]},
        {**days(4, 6), "window_id": "freeze", "owners": ["team-b"]},
        {**days(2.5, 3), "window_id": "freeze", "providers": ["slack"]},
    ],
    "owner_calendars": {
        "lead": {"unavailable_windows": [days(0, 1.5)]},
        "team-a": {"time_zone": "Europe/Berlin", "unavailable_windows": [days(7.5, 8)]},
    },
    "repeat_after_days": {"needs_attention": 0.5, "due_soon": 1},
}
Told = list[tuple[str, str, str, str]]


def run_for_real(database: Database, *, answers: bool) -> Told:
    """Run checks and follow-ups every three hours, on a database."""
    world = World(database, SCHEDULE)
    seen = 0
    while world.now < NOW + timedelta(days=DAYS):
        if world.now == PERFORMED_AT:
            world.perform()
        if answers:
            for each in world.received:
                if each.at == world.now - ANSWERED_AFTER and each.reason != "resolved":
                    world.ack(by=each.owner, owner=each.owner, provider=each.provider)
        world.check()
        world.escalate()
        seen = len(world.received)
        world.wait(hours=STEP / timedelta(hours=1))
    assert seen
    return sorted((each.at.isoformat(), each.owner, each.provider, each.reason) for each in world.received)


def run_simulated(database: Database, *, answers: bool) -> Told:
    """Simulate the same."""
    listed = {"payments": [PerformedDrill("payments", PERFORMED_AT)]}
    assumptions = Assumptions(None, listed, ANSWERED_AFTER if answers else None)
    scenario = Scenario(NOW, NOW + timedelta(days=DAYS), STEP, assumptions=assumptions)
    found = simulate(World(database, SCHEDULE).subjects(), scenario)
    return sorted(
        (each.at, each.owner, each.provider, str(each.reason))
        for each in found.happenings
        if isinstance(each, Notified)
    )


@pytest.mark.slow
@pytest.mark.parametrize("answers", [pytest.param(False, marks=pytest.mark.chaos), True])
def test_a_simulated_week_is_the_week_of_a_database(tmp_path: Path, *, answers: bool) -> None:
    database = open_sqlite(tmp_path / "drills.db")

    real = run_for_real(database, answers=answers)

    reasons = {"first", "worse", "deferred", "escalated", "resolved", "repeat"}
    assert {reason for *_, reason in real} == reasons
    assert run_simulated(database, answers=answers) == real
