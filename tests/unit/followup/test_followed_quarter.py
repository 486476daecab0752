"""A quarter of thirty schedules and their people, as a timeline that a person can read and agree with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.followup.dashboard import find_problems
from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.readiness.states import Readiness
from tests.samples.world import Received, World

GOLDEN = Path(__file__).parent / "golden" / "quarter.txt"
START = datetime(2026, 1, 1, 8, tzinfo=UTC)
EVERY = timedelta(hours=8)
DAYS = 90
KINDS = ("prompt", "talker", "silent", "failing", "late", "away")
HABITS = {
    "prompt": "performs the drill on the third day after being told that it is due soon",
    "talker": "acknowledges whatever comes, and performs nothing",
    "silent": "does nothing at all",
    "failing": "performs on the third day, and fails; performs again ten days later, and passes",
    "late": "performs two days after the drill was due",
    "away": "is absent for the second month, performs as soon as back and told",
}


def make_schedules(count: int) -> Iterator[dict[str, Any]]:
    """Return schedules of each kind of people in turn, which fall due one after the other."""
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        owner = f"{kind}-{number // len(KINDS) + 1}"
        rule = {
            "acknowledgement_minutes": 24 * 60,
            "escalation_owner": "lead",
            "escalation_steps": [{"owner": "director", "after_business_hours": 16}],
        }
        month = {"start_at": "2026-02-01T00:00:00Z", "end_at": "2026-03-01T00:00:00Z", "reason": "leave"}
        yield {
            "schedule_id": owner,
            "interval_days": 60,
            "next_due_at": None,
            "owners": [owner],
            "notification_providers": ["chat"],
            "owner_routes": {owner: rule},
            "owner_calendars": {
                "lead": {"time_zone": "Europe/Berlin"},
                **({owner: {"unavailable_windows": [month]}} if kind == "away" else {}),
            },
            "repeat_after_days": {"needs_attention": 7, "due_soon": 7},
        }


class Quarter:
    """The people of the world above."""

    def __init__(self, world: World) -> None:
        """Let every drill have been performed at some time in the two months before."""
        self.world, self.deeds = world, list[tuple[datetime, str, str]]()
        self.first_told: dict[str, datetime] = {}
        self.plans: dict[str, list[datetime]] = {}
        for number, name in enumerate(world.schedules):
            last = START - timedelta(days=40 - number)
            world.perform(name, drill_id=f"{name}-0", executed_at=last.isoformat())

    def act(self, heard: list[Received]) -> None:
        """Do what everybody does at this instant, given what has just arrived."""
        for each in heard:
            if each.owner == each.schedule_id and each.reason != "resolved":
                self._hear(each)
        for name, times in self.plans.items():
            while times and times[0] <= self.world.now:
                times.pop(0)
                self._perform(name)

    def _hear(self, told: Received) -> None:
        name, kind = told.schedule_id, told.schedule_id.partition("-")[0]
        due = datetime.fromisoformat(told.notification.event["summary"]["next_due_at"])
        if kind == "talker":
            self.world.ack(name, by=name)
            self.deeds.append((self.world.now, name, f"{name} acknowledges"))
        if self.plans.get(name):
            return
        wait = {
            "prompt": [timedelta(days=3)],
            "failing": [timedelta(days=3), timedelta(days=13)],
            "late": [max(due - self.world.now, timedelta(0)) + timedelta(days=2)],
            "away": [timedelta(0)],
        }
        self.plans[name] = [self.world.now + each for each in wait.get(kind, [])]

    def _perform(self, name: str) -> None:
        fails = name.startswith("failing") and len(self.plans[name]) == 1
        self.world.perform(name, status="fail" if fails else "pass")
        self.deeds.append(
            (self.world.now, name, f"{name} performs the drill" + (", which fails" if fails else ""))
        )


def simulate(database: Database, count: int) -> str:
    """Run the quarter of so many schedules; write what happened, by schedule."""
    world = World(database, *make_schedules(count), now=START)
    quarter = Quarter(world)
    patient = {state: timedelta(days=7) for state in Readiness}
    rules = FollowUpRules(repeat_after=dict.fromkeys(world.schedules, patient))
    while world.now < START + timedelta(days=DAYS):
        before = len(world.received)
        world.check()
        world.escalate()
        assert find_problems(world.open_cycles(), now=world.now, rules=rules) == []
        quarter.act(world.received[before:])
        if world.now == datetime(2026, 2, 1, 8, tzinfo=UTC) and "silent-2" in world.schedules:
            world.grant(ExceptionKind.POSTPONE, datetime(2026, 2, 15, 8, tzinfo=UTC), "silent-2")
            quarter.deeds.append((world.now, "silent-2", "the board postpones to 2026-02-15 08:00"))
        world.wait(hours=EVERY / timedelta(hours=1))
    told = [(each.at, each.schedule_id, f"told {each.owner}: {each.reason}") for each in world.received]
    return "\n".join(
        write_timeline(sorted([*told, *quarter.deeds], key=lambda each: (each[1], each[0])), world)
    )


def write_timeline(happened: list[tuple[datetime, str, str]], world: World) -> Iterator[str]:
    """Write a paragraph for each schedule, the kinds of people with their habits in front."""
    yield f"A quarter from {START:%Y-%m-%d}, checked and followed up every eight hours. Instants are in UTC."
    by_schedule = {name: list(some) for name, some in groupby(happened, key=lambda each: each[1])}
    states = {each["schedule_id"]: each["state"] for each in world.dashboard()["cycles"]}
    for kind in KINDS:
        yield ""
        yield f"{kind.upper()}: {HABITS[kind]}"
        for name in sorted(name for name in world.schedules if name.startswith(f"{kind}-")):
            yield ""
            due = datetime.fromisoformat(world.drills[name][0]["executed_at"]) + timedelta(days=60)
            yield f"{name}, first due {due:%m-%d %H:%M}"
            yield from (f"  {at:%m-%d %H:%M}  {what}" for at, _, what in by_schedule.get(name, ()))
            yield f"  in the end: {states.get(name, 'closed')}"
    yield ""


def read_golden(count: int) -> list[str]:
    """Return the paragraphs of the golden file that are about the first schedules, and those about all."""
    others = {each["schedule_id"] for each in make_schedules(30)}
    others -= {each["schedule_id"] for each in make_schedules(count)}
    paragraphs = GOLDEN.read_text().split("\n\n")
    return [each for each in paragraphs if each.partition(", first due")[0] not in others]


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(9, id="nine schedules", marks=pytest.mark.slow),
        pytest.param(30, id="all", marks=pytest.mark.chaos),
    ],
)
def test_a_quarter_goes_as_written(count: int, tmp_path: Path) -> None:
    timeline = simulate(Database.open(f"sqlite:///{tmp_path / 'drills.db'}"), count)

    assert [each.strip() for each in timeline.split("\n\n")] == [
        each.strip() for each in read_golden(count)
    ], f"the quarter went otherwise; see whether {GOLDEN.name} is still right"
