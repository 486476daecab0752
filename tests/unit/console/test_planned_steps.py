"""What a plan names as the next step is the step that a run takes: same person, same time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from rollback_drills.console.acknowledgements import read_acknowledgements
from rollback_drills.console.fleet import read_fleet
from rollback_drills.console.query import FleetQuery
from rollback_drills.console.source import read_console
from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.trust.records import record_distrust
from rollback_drills.trust.signs import Distrust, Sign
from tests.samples.builders import NOW, judged, open_key
from tests.samples.databases import chiefly_on_sqlite
from tests.samples.world import World

STEPS = [{"owner": "director", "after_minutes": 600}]
CHAIN = {
    "owners": ["team-a"],
    "notification_providers": ["slack"],
    "owner_routes": {"team-a": {"escalation_owner": "lead-a", "escalation_steps": STEPS}},
}
GONE = {"available": False, "reason": "on leave"}


def at(minutes: int) -> datetime:
    """Return a time after the first notification; the first step is due after 60 minutes."""
    return NOW + timedelta(minutes=minutes)


def away(start: int, end: int) -> dict[str, Any]:
    """Return a calendar with one absence, in minutes after the first notification."""
    period = {"start_at": at(start).isoformat(), "end_at": at(end).isoformat(), "reason": "leave"}
    return {"unavailable_windows": [period]}


def freeze(start: int, end: int, owner: str) -> dict[str, Any]:
    """Return a window for one owner, in minutes after the first notification."""
    return {"start_at": at(start).isoformat(), "end_at": at(end).isoformat(), "owners": [owner]}


def daily(start: int, end: int) -> dict[str, Any]:
    """Return a recurrence on every day, in minutes after the time of the first notification."""
    bounds = ((at(each) - timedelta(days=30)).replace(tzinfo=None).isoformat() for each in (start, end))
    return {"rrule": "FREQ=DAILY", **dict(zip(("start", "end"), bounds, strict=True)), "time_zone": "UTC"}


CASES = [
    pytest.param({}, "lead-a", 60, id="everybody is there"),
    pytest.param({"owner_calendars": {"lead-a": GONE}}, "director", 60, id="absent without an end"),
    pytest.param({"owner_calendars": {"lead-a": away(0, 120)}}, "director", 60, id="absent when it is due"),
    pytest.param({"owner_calendars": {"lead-a": away(0, 60)}}, "lead-a", 60, id="back when it is due"),
    pytest.param({"owner_calendars": {"lead-a": away(30, 90)}}, "director", 60, id="leaves before it is due"),
    pytest.param(
        {"owner_calendars": {"lead-a": away(0, 240), "director": away(0, 180)}},
        "director",
        180,
        id="all are absent, the last one is back first",
    ),
    pytest.param(
        {"owner_calendars": {"lead-a": away(0, 120), "director": away(0, 180)}},
        "lead-a",
        120,
        id="all are absent, the first one is back first",
    ),
    pytest.param(
        {"owner_calendars": {"lead-a": away(0, 150), "director": GONE}},
        "lead-a",
        150,
        id="the last one is absent without an end",
    ),
    pytest.param(
        {"maintenance_windows": [freeze(30, 200, "lead-a")]}, "lead-a", 200, id="a window delays the step"
    ),
    pytest.param(
        {
            "maintenance_windows": [freeze(30, 200, "lead-a")],
            "owner_calendars": {"lead-a": away(150, 400)},
        },
        "director",
        150,
        id="an absence that begins in the window passes the step on",
    ),
    pytest.param(
        {"maintenance_windows": [{"recurrence": daily(30, 200), "owners": ["lead-a"]}]},
        "lead-a",
        200,
        id="a window that recurs delays the step",
    ),
    pytest.param(
        {"owner_calendars": {"lead-a": {"unavailable_windows": [{"recurrence": daily(30, 200)}]}}},
        "director",
        60,
        id="an absence that recurs passes the step on",
    ),
]


@chiefly_on_sqlite
@pytest.mark.slow
@pytest.mark.parametrize(("rules", "person", "minutes"), CASES)
def test_the_plan_names_whom_the_run_notifies(
    database: Database, rules: dict[str, Any], person: str, minutes: int
) -> None:
    world = World(database, {**CHAIN, **rules})
    world.check()
    (route,) = world.escalation_plan()["routes"]

    while not (taken := world.escalate()) and world.now < at(1000):
        assert world.escalation_plan()["routes"][0]["next_step_owner"] == person
        world.wait(minutes=10)

    assert (route["next_step_owner"], route["next_step_at"]) == (person, at(minutes).isoformat())
    assert [(each.link.owner, world.now) for each in taken] == [(person, at(minutes))]


def test_every_surface_names_the_same_person(database: Database) -> None:
    world = World(database, {**CHAIN, "owner_calendars": {"lead-a": GONE}})
    world.check()
    world.now = at(61)

    (route,) = world.escalation_plan()["routes"]
    dashboard = world.dashboard()
    judgements = [judged(subject, now=world.now) for subject in world.subjects()]
    console = read_console(database, world.subjects(), judgements, now=world.now)
    (outstanding,) = read_acknowledgements(console).outstanding
    (row,) = read_fleet(console, FleetQuery()).rows

    assert route["next_step_owner"] == "director"
    assert dashboard["outstanding"][0]["next_step_owner"] == "director"
    assert dashboard["cycles"][0]["next_action"] == {
        "action": "escalate",
        "at": at(60).isoformat(),
        "owner": "team-a",
        "step": 2,
        "next_step_owner": "director",
    }
    assert outstanding.next_step_owner == "director"
    assert row.next_action == "escalates to director unless team-a acknowledges"


def test_nobody_is_named_when_everybody_is_absent_without_an_end(database: Database) -> None:
    world = World(database, {**CHAIN, "owner_calendars": {"lead-a": GONE, "director": GONE}})
    world.check()
    world.now = at(61)

    assert world.due_steps() == []
    (cycle,) = cycles = world.open_cycles()
    planned = world.rules(cycles).plan_step(cycle, "team-a", now=world.now)
    assert planned
    assert (planned.step, planned.escalates_to, planned.is_due(world.now)) == (2, "", False)
    (route,) = world.escalation_plan()["routes"]
    assert (route["next_step_owner"], route["next_step_at"]) == (None, None)
    world.now = at(60 * 26)
    assert len(world.problems()) == 1


def test_nobody_is_named_while_the_history_is_not_trusted(database: Database) -> None:
    world = World(database, CHAIN)
    world.check()
    world.now = at(61)
    gone = Distrust("payments", Sign.VANISHED, "its history is missing")
    record = record_distrust(gone, "gordcycle-source", created_at=world.now, signer="test")
    append(database, [record], open_key)

    assert world.escalate() == []
    assert world.escalation_plan()["routes"][0]["next_step_owner"] is None
    assert world.dashboard()["cycles"][0]["next_action"]["action"] != "escalate"
    assert world.problems() == []


@pytest.mark.slow
def test_nobody_is_named_when_absences_follow_each_other_for_ever(database: Database) -> None:
    absences = [{"recurrence": daily(0, 720)}, {"recurrence": daily(720, 1440)}]
    gone = {"unavailable_windows": absences}
    world = World(database, {**CHAIN, "owner_calendars": {"lead-a": gone, "director": gone}})
    world.check()
    world.now = at(61)

    assert world.due_steps() == []


def test_somebody_who_has_acknowledged_is_asked_to_do_so_again(database: Database) -> None:
    world = World(database, {**CHAIN})
    world.check()
    world.ack()

    judgements = [judged(subject, now=world.now) for subject in world.subjects()]
    (row,) = read_fleet(
        read_console(database, world.subjects(), judgements, now=world.now), FleetQuery()
    ).rows

    assert row.next_action == "escalates to lead-a unless team-a acknowledges again"
    assert row.describe_next(world.now).startswith("escalates to lead-a in ")
    assert row.describe_next(world.now).endswith(" unless team-a acknowledges again")
    assert row.describe_next(world.now + timedelta(days=30)) == (
        "escalates to lead-a with the next run unless team-a acknowledges again"
    )
