"""What waits while a receiver is down is not sent once somebody acknowledged, or the drill was put off."""

from datetime import timedelta
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.quiet_holds import find_quiet_holds
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.replay import replay_rows
from rollback_drills.planning.repeats import REPEAT_AFTER
from rollback_drills.readiness.states import Readiness
from tests.samples.world import World

RULES: dict[str, Any] = {
    "owners": ["team-a"],
    "owner_routes": {
        "team-a": {
            "providers": ["slack"],
            "escalation_owner": "lead",
            "escalation_steps": [{"owner": "director", "providers": ["teams"], "after_minutes": 60}],
        },
        "lead": {"providers": ["teams"]},
    },
}
DAY = REPEAT_AFTER[Readiness.NEEDS_ATTENTION]


class DownWorld(World):
    """A world in which a provider that refuses is down."""

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        """Take a message, unless its provider is down."""
        if notification.provider in self.refusing:
            return Verdict(Outcome.RETRY, "answered 503", 503)
        return await super().send_async(notification, timeout_seconds=timeout_seconds)

    def come_back(self, **after: float) -> list[tuple[str, str]]:
        """Let the receiver come back, and run as a flow does; return what arrived by then."""
        self.wait(**after)
        self.refusing.clear()
        before = len(self.received)
        holds = find_quiet_holds(self.database, now=self.now)
        commit(self.database, [], [], holds, now=self.now.timestamp())
        self._deliver()
        return [(each.owner, each.reason) for each in self.received[before:]]


@pytest.fixture
def world(database: Database) -> DownWorld:
    """Have notified the owner."""
    made = DownWorld(database, RULES)
    made.check()
    return made


def test_a_repeat_waits_until_the_acknowledgement_ends(world: DownWorld) -> None:
    world.refusing.add("slack")
    world.now += DAY
    world.check()
    world.wait(minutes=10)
    world.ack(owner="team-a")

    assert world.come_back(hours=2) == []
    assert world.come_back(days=3) == [("team-a", "repeat")]


def test_an_escalation_waits_until_the_acknowledgement_ends(world: DownWorld) -> None:
    world.refusing.add("teams")
    world.wait(minutes=61)
    world.escalate()
    world.wait(minutes=10)
    world.ack(owner="team-a")

    assert world.come_back(hours=2) == []
    assert world.come_back(days=3) == [("lead", "escalated")]


def test_an_escalation_that_was_asked_for_is_sent(world: DownWorld) -> None:
    world.refusing.add("teams")
    world.wait(minutes=61)
    world.escalate()
    world.wait(minutes=10)
    world.ack(owner="team-a", state="escalated")

    assert world.come_back(hours=2) == [("lead", "escalated")]


def test_who_was_notified_last_holds_the_next_step_back(world: DownWorld) -> None:
    world.wait(minutes=61)
    world.escalate()
    world.refusing.add("teams")
    world.wait(minutes=61)
    world.escalate()
    world.wait(minutes=10)
    world.ack(owner="lead", provider="teams")

    assert world.come_back(hours=2) == []
    assert world.come_back(days=3) == [("director", "escalated")]


@pytest.mark.parametrize("kind", ExceptionKind)
def test_nothing_of_a_cycle_is_sent_while_an_exception_holds(kind: ExceptionKind, database: Database) -> None:
    world = DownWorld(database, RULES)
    world.refusing.add("slack")
    world.check()
    world.wait(minutes=10)
    world.grant(kind, world.now + timedelta(days=2))

    assert world.come_back(hours=2) == []
    assert world.come_back(days=2) == [("team-a", "first")]


def test_a_first_message_is_sent_although_somebody_acknowledged(database: Database) -> None:
    world = DownWorld(database, RULES)
    world.refusing.add("slack")
    world.check()

    assert world.come_back(hours=2) == [("team-a", "first")]


def test_what_a_person_replays_is_sent(world: DownWorld) -> None:
    world.refusing.add("slack")
    world.now += DAY
    world.check()
    world.wait(minutes=10)
    world.ack(owner="team-a")
    world.wait(hours=2)
    (held,) = find_quiet_holds(world.database, now=world.now)
    with world.database.write() as connection:
        replay_rows(connection, [held.notification_id], now=world.now.timestamp())

    assert world.come_back() == [("team-a", "repeat")]
