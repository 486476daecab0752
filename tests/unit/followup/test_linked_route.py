"""The link in a message: which route it acknowledges, and when it acknowledges none."""

from datetime import timedelta

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.followup.linked_route import find_linked_route, record_revocation
from tests.samples.builders import NOW, open_key
from tests.samples.world import World

OVERDUE = {
    "owners": ["team-a", "team-b"],
    "notification_providers": ["slack"],
    "next_due_at": (NOW - timedelta(days=1)).isoformat(),
    "due_policy": "after_completion",
}


def test_a_link_is_about_its_own_route_until_the_cycle_is_over(database: Database) -> None:
    world = World(database, OVERDUE, {**OVERDUE, "schedule_id": "search"})
    world.check()
    routes = [(cycle, route) for cycle in world.open_cycles() for route in cycle.routes]

    for cycle, route in routes:
        linked = find_linked_route(database, route.route_key, now=world.now)
        assert (linked.cycle.cycle_id, linked.route.owner) == (cycle.cycle_id, route.owner)
        assert not linked.is_drill

    world.wait(hours=1)
    world.perform("payments")
    world.check()
    with pytest.raises(UsageError, match="this cycle is over"):
        find_linked_route(database, routes[0][1].route_key, now=world.now)
    with pytest.raises(UsageError, match="this cycle is over"):
        find_linked_route(database, "gordroute-0", now=world.now)


def test_a_revocation_ends_the_links_of_its_cycle_and_no_others(database: Database) -> None:
    world = World(database, OVERDUE, {**OVERDUE, "schedule_id": "search"})
    world.check()
    revoked, other = world.open_cycles()
    record = record_revocation(
        revoked.cycle_id, revoked.schedule_id, by="maria", reason="a link leaked", created_at=NOW
    )
    append(database, [record], open_key)

    assert (record.signer, record.revoked_by, record.reason) == ("maria", "maria", "a link leaked")
    for route in revoked.routes:
        with pytest.raises(UsageError, match="the links of this cycle were revoked"):
            find_linked_route(database, route.route_key, now=world.now)
    assert find_linked_route(database, other.routes[0].route_key, now=world.now).cycle == other


def test_nobody_revokes_links_without_a_name() -> None:
    with pytest.raises(UsageError, match="say who revokes"):
        record_revocation("gordcycle-1", "payments", by=" ", reason="a link leaked", created_at=NOW)
