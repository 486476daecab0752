"""A cycle that is over: nobody is escalated to any more, although an absent owner does not know it yet."""

from datetime import timedelta

from rollback_drills.database.connections import Database
from rollback_drills.followup.next_actions import Action
from rollback_drills.notifications.states import State
from rollback_drills.outbox.queries import OutboxFilter, find_dead_letters, find_rows
from tests.samples.builders import NOW
from tests.samples.outbox_rows import force, get, replay
from tests.samples.world import World

BACK_AT = NOW + timedelta(days=10)
SCHEDULE = {
    "owners": ["team-a", "team-b"],
    "notification_providers": ["slack"],
    "next_due_at": (NOW - timedelta(days=1)).isoformat(),
    "due_policy": "after_completion",
    "owner_routes": {
        owner: {"escalation_owner": "lead", "acknowledgement_minutes": 600} for owner in ("team-a", "team-b")
    },
}
ABSENCE = {
    "team-b": {
        "unavailable_windows": [
            {
                "start_at": (NOW + timedelta(hours=1)).isoformat(),
                "end_at": BACK_AT.isoformat(),
                "reason": "leave",
            }
        ]
    }
}


def finish(world: World) -> None:
    """Notify both owners; then one goes on leave, and the drill is performed."""
    world.check()
    world.now += timedelta(hours=2)
    world.perform()
    world.check()


def test_nobody_is_escalated_to_once_the_drill_was_performed(database: Database) -> None:
    world = World(database, {**SCHEDULE, "owner_calendars": ABSENCE})

    finish(world)
    world.now += timedelta(days=2)
    taken = world.escalate()

    assert taken == []
    assert [each.owner for each in world.received if each.reason == "escalated"] == []
    (cycle,) = world.open_cycles()
    (action,) = world.rules([cycle]).find_actions(cycle, now=world.now)
    assert (action.at, action.action, action.owner) == (BACK_AT, Action.CLOSE, "team-b")
    assert world.problems() == []

    world.now = BACK_AT
    world.check()
    assert [each.owner for each in world.received if each.reason == "resolved"] == ["team-a", "team-b"]
    assert world.open_cycles() == []


def test_somebody_is_escalated_to_while_it_was_not(database: Database) -> None:
    world = World(database, {**SCHEDULE, "owner_calendars": ABSENCE})

    world.check()
    world.now += timedelta(days=2)

    assert {each.chain.owner for each in world.escalate()} == {"team-a", "team-b"}


def test_a_reminder_that_still_waits_is_not_sent_after_the_message_that_closes(database: Database) -> None:
    world = World(database, {**SCHEDULE, "owners": ["team-a"]})
    world.check()
    world.wait(days=2)
    world.check()
    (reminder, _), _ = find_rows(database, OutboxFilter())
    later = world.now + timedelta(hours=1)
    force(database, reminder.notification_id, state=State.RETRY, due_at=later.timestamp())

    world.perform()
    world.check()

    assert get(database, reminder.notification_id).state is State.SUPERSEDED
    assert [each.reason for each in world.received][-1] == "resolved"


def test_after_an_outage_nobody_is_sent_what_is_over_or_said_by_a_newer_message(database: Database) -> None:
    over, goes_on = {**SCHEDULE, "schedule_id": "over"}, {**SCHEDULE, "schedule_id": "goes-on"}
    world = World(database, over, goes_on)
    world.refusing.add("slack")
    for _ in range(4):
        world.check()
        world.wait(days=1)
    world.perform("over")
    world.check()
    world.refusing.clear()

    replay(database, find_dead_letters(database, "slack"), now=world.now.timestamp())
    world.check()

    assert [(each.schedule_id, each.owner) for each in world.received] == [
        ("goes-on", "team-a"),
        ("goes-on", "team-b"),
    ]
