"""What the documents say of a cycle that is open: whether it is over or gone, and what it waits for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from msgspec import UNSET, UnsetType

from rollback_drills.database.connections import Database
from rollback_drills.documents.calendars.working_days import WorkCalendar
from rollback_drills.documents.calendars.working_time import WorkingTime
from rollback_drills.documents.time_data import TimeData
from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules, find_over
from rollback_drills.followup.next_actions import Action
from rollback_drills.planning.escalation_chain import Link
from rollback_drills.planning.windows_and_absences import Suppressions
from tests.samples.builders import NOW, judged, make_subject
from tests.samples.world import World

OVERDUE: dict[str, Any] = {
    "owners": ["team-a"],
    "notification_providers": ["slack"],
    "next_due_at": (NOW - timedelta(days=1)).isoformat(),
}


def test_only_a_cycle_without_a_document_waits_for_its_retirement(database: Database) -> None:
    world = World(database, OVERDUE)
    world.check()
    (cycle,) = world.open_cycles()

    def actions(rules: FollowUpRules) -> list[Action]:
        return [each.action for each in rules.find_actions(cycle, now=world.now)]

    assert actions(FollowUpRules()) == [Action.ESCALATE, Action.REPEAT]
    assert actions(FollowUpRules(gone={"payments"})) == [Action.ESCALATE, Action.RETIRE]
    assert actions(FollowUpRules(gone={"search"})) == [Action.ESCALATE, Action.REPEAT]


def test_an_owner_who_is_absent_without_an_end_is_asked_for_daily_when_the_cycle_is_over(
    database: Database,
) -> None:
    world = World(database, OVERDUE)
    world.check()
    (cycle,) = world.open_cycles()
    gone = make_subject(owner_calendars={"team-a": {"available": False}}).document

    rules = FollowUpRules(suppressions={"payments": Suppressions("payments", gone)}, over={cycle.cycle_id})

    (action,) = rules.find_actions(cycle, now=world.now)
    assert (action.at, action.action) == (world.now + timedelta(days=1), Action.CLOSE)


def test_a_cycle_with_an_id_of_before_is_over_when_its_schedule_is_in_another_one(database: Database) -> None:
    world = World(database, OVERDUE)
    world.check()
    (cycle,) = world.open_cycles()
    former = replace(cycle, cycle_id="gordcycle-former")

    same = judged(make_subject(**OVERDUE))
    next_one = judged(make_subject(**{**OVERDUE, "next_due_at": NOW.isoformat()}))

    assert find_over([former], [same]) == frozenset()
    assert find_over([former], [next_one]) == {"gordcycle-former"}


def test_reports_say_what_is_to_be_done_and_what_a_cycle_waits_for(database: Database) -> None:
    world = World(database, {**OVERDUE, "owner_routes": {"team-a": {"escalation_owner": "lead"}}})
    world.check()

    def recommended() -> list[str]:
        return [each["recommended_action"] for each in world.escalation_plan()["routes"]]

    (cycle,) = world.dashboard()["cycles"]
    assert cycle["next_action"] == {
        "action": "escalate",
        "at": (NOW + timedelta(hours=1)).isoformat(),
        "owner": "team-a",
        "step": 1,
        "next_step_owner": "lead",
    }
    assert recommended() == ["wait_for_acknowledgement"]
    world.wait(hours=1)
    assert recommended() == ["escalate_missed_drill_notification"]
    assert [each["age_minutes"] for each in world.escalation_plan()["routes"]] == [60]
    world.ack()
    assert recommended() == ["no_action"]


def test_the_version_of_the_holidays_is_named_only_where_a_wait_counts_them(database: Database) -> None:
    world = World(database, OVERDUE)
    world.check()
    (cycle,) = world.open_cycles()

    def find(calendar: WorkCalendar | None, hours: float | None = 1.0) -> TimeData | UnsetType:
        working = WorkingTime(calendar=calendar)
        wait = Link("lead", ("slack",), after_business_hours=hours, working_time=working)
        return FollowUpRules().find_time_data(cycle, [wait])

    for calendar in (None, WorkCalendar()):
        found = find(calendar)
        assert found is not UNSET
        assert found.holiday_data is UNSET
    berlin = find(WorkCalendar(holidays="DE-BE"))
    assert berlin is not UNSET
    assert berlin.holiday_data is not UNSET
    assert find(WorkCalendar(holidays="DE-BE"), hours=None) is UNSET
