"""Which routes a person acknowledges, by cycle, plan or schedule."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementRecord,
    NotifiedRoute,
)
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import acknowledge
from rollback_drills.followup.acknowledgements.route_choice import ChosenRoutes, RouteChoice, choose_routes
from tests.samples.builders import NOW
from tests.samples.ledgers import append_plan
from tests.samples.world import World

ONE = {"owners": ["team-a"], "notification_providers": ["slack"]}


def choose(database: Database, **wanted: Any) -> ChosenRoutes:
    return choose_routes(EvidenceIndex(database), RouteChoice(**wanted))


def test_a_plan_is_found_with_and_without_its_schedule_and_cycle(database: Database) -> None:
    (plan,) = World(database, ONE).check()

    (route,) = choose(database, plan_id=plan.plan_id).routes
    assert (route.provider, route.owner, route.plan_id) == ("slack", "team-a", plan.plan_id)
    assert list(choose(database, plan_id=plan.plan_id, schedule_id="payments").routes) == [route]
    assert list(choose(database, plan_id=plan.plan_id, cycle_id=route.cycle_id).routes) == [route]


def test_a_plan_of_another_schedule_or_cycle_is_refused(database: Database) -> None:
    plan, _ = World(database, ONE, {**ONE, "schedule_id": "orders"}).check()

    with pytest.raises(UsageError, match=f'plan_id "{plan.plan_id}" is of the schedule "payments"'):
        choose(database, plan_id=plan.plan_id, schedule_id="orders")
    with pytest.raises(
        UsageError, match=f'^plan_id "{plan.plan_id}" is of cycle {plan.cycle_id}; leave one out$'
    ):
        choose(database, plan_id=plan.plan_id, cycle_id="gordcycle-1")
    with pytest.raises(UsageError, match=f'plan_id "gordplan-1" is not in the evidence; .* {plan.plan_id}'):
        choose(database, plan_id="gordplan-1")


def test_a_cycle_of_another_schedule_is_not_said_to_be_missing(database: Database) -> None:
    (plan,) = World(database, ONE).check()
    of_payments = 'is of the schedule "payments"; leave one out$'

    with pytest.raises(UsageError, match=f'^cycle_id "{plan.cycle_id}" {of_payments}'):
        choose(database, cycle_id=plan.cycle_id, schedule_id="search")
    with pytest.raises(UsageError, match=f'^plan_id "{plan.plan_id}" {of_payments}'):
        choose(database, plan_id=plan.plan_id, schedule_id="search")
    with pytest.raises(UsageError, match=r'^plan_id "gordn-0" is not in the evidence'):
        choose(database, plan_id="gordn-0", schedule_id="search")


def test_without_any_plan_there_is_none_to_list(database: Database) -> None:
    with pytest.raises(UsageError, match='cycle_id "gordcycle-1" is not in the evidence; it has no plan'):
        choose(database, cycle_id="gordcycle-1")


def test_somebody_has_to_say_which_routes(database: Database) -> None:
    with pytest.raises(UsageError, match=r"^say which one: cycle_id, plan_id or schedule_id$"):
        choose(database, provider="slack")


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"schedule_id": "paymnts"}, 'schedule_id "paymnts" is not in the evidence; the newest are payments'),
        (
            {"cycle_id": "gordcycle-1"},
            'cycle_id "gordcycle-1" is not in the evidence; the newest are {cycle}',
        ),
        (
            {"schedule_id": "payments", "provider": "email"},
            'cycle {cycle} has no route of provider "email"; it has slack/team-a',
        ),
        (
            {"schedule_id": "payments", "owner": "team-z"},
            'cycle {cycle} has no route of owner "team-z"; it has slack/team-a',
        ),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_known(
    database: Database, wanted: dict[str, str], problem: str
) -> None:
    (plan,) = World(database, ONE).check()

    with pytest.raises(UsageError) as raised:
        choose(database, **wanted)

    assert str(raised.value) == problem.format(cycle=plan.cycle_id)


def test_a_cycle_has_only_its_own_routes_though_a_newer_plan_is_of_another_one(database: Database) -> None:
    older, newer = World(database, ONE, {**ONE, "schedule_id": "orders"}).check()

    for plan in (older, newer):
        (route,) = choose(database, cycle_id=plan.cycle_id).routes
        assert (route.schedule_id, route.plan_id) == (plan.schedule_id, plan.plan_id)


def test_routes_of_one_provider_or_one_owner_are_chosen(database: Database) -> None:
    both = {"owners": ["team-a", "team-b"], "notification_providers": ["slack", "teams"]}
    World(database, both).check()

    def names(**wanted: str) -> set[str]:
        found = choose(database, schedule_id="payments", **wanted).routes
        return {f"{route.provider}/{route.owner}" for route in found}

    assert names(provider="teams") == {"teams/team-a", "teams/team-b"}
    assert names(owner="team-b") == {"slack/team-b", "teams/team-b"}
    assert len(names()) == 4


def test_a_route_is_the_one_of_its_newest_decision(database: Database) -> None:
    world = World(database, ONE)
    (first,) = world.check()
    world.wait(days=2)
    (second,) = world.check()
    assert first.plan_id != second.plan_id

    (route,) = choose(database, schedule_id="payments").routes

    assert route.plan_id == second.plan_id


def test_a_decision_to_notify_nobody_is_newer_than_the_notification_of_its_route(database: Database) -> None:
    world = World(database, ONE)
    world.check()
    world.wait(hours=1)
    world.schedules["payments"]["owners"] = ["team-a", "team-b"]
    (second,) = world.check()
    assert [each.owner for each in world.told()] == ["team-a", "team-b"]

    (route,) = choose(database, schedule_id="payments", owner="team-a").routes

    assert route.plan_id == second.plan_id


@pytest.mark.slow
def test_the_first_of_more_than_a_hundred_routes_is_the_one_of_its_newest_decision(
    database: Database,
) -> None:
    world = World(database, {**ONE, "owners": [f"team-{number:03}" for number in range(101)]})
    world.check()
    world.wait(days=2)
    (second,) = world.check()

    (route,) = choose(database, schedule_id="payments", owner="team-000").routes

    assert route.plan_id == second.plan_id


def test_who_was_escalated_to_has_a_route_of_the_plan_that_told_the_owner(database: Database) -> None:
    world = World(database, {**ONE, "owner_routes": {"team-a": {"escalation_owner": "lead-a"}}})
    (plan,) = world.check()
    world.wait(hours=2)
    world.escalate()

    (mine,) = choose(database, schedule_id="payments", owner="team-a").routes
    (route,) = choose(database, schedule_id="payments", owner="LEAD-A", provider="Slack").routes

    assert route == NotifiedRoute(
        session_id=mine.session_id,
        schedule_id="payments",
        cycle_id=mine.cycle_id,
        plan_id=plan.plan_id,
        provider="slack",
        owner="lead-a",
        route_key=route.route_key,
    )
    assert route.route_key != mine.route_key


@pytest.mark.parametrize(("count", "more"), [(20, ""), (21, " and 1 more")])
def test_a_refusal_names_twenty_routes_and_counts_the_rest(database: Database, count: int, more: str) -> None:
    owners = [f"team-{number:02}" for number in range(count)]
    World(database, {**ONE, "owners": owners}).check()

    with pytest.raises(UsageError) as raised:
        choose(database, schedule_id="payments", owner="team-z")

    assert str(raised.value).endswith(", ".join(f"slack/{owner}" for owner in owners[:20]) + more)


@pytest.mark.slow
def test_a_refusal_counts_more_than_a_hundred_schedules(database: Database) -> None:
    World(database, *({**ONE, "schedule_id": f"service-{number:03}"} for number in range(101))).check()

    with pytest.raises(UsageError, match=r" and 81 more$"):
        choose(database, schedule_id="payments")


@pytest.mark.parametrize("due_at", [None, NOW - timedelta(days=1)])
def test_a_cycle_has_the_due_time_of_its_plan(database: Database, due_at: datetime | None) -> None:
    World(database, {**ONE, "next_due_at": due_at.isoformat() if due_at else None}).check()

    assert choose(database, schedule_id="payments").due_at == due_at


def test_a_cycle_that_has_ended_is_not_acknowledged(database: Database) -> None:
    (plan,) = World(database, ONE).check()
    World(database, {**ONE, "next_due_at": "2027-06-01T09:00:00Z"}, now=NOW + timedelta(hours=1)).check()

    ended = f'^cycle {plan.cycle_id} of "payments" has ended; there is nothing to acknowledge any more$'
    for wanted in ({"plan_id": plan.plan_id}, {"cycle_id": plan.cycle_id}, {"schedule_id": "payments"}):
        with pytest.raises(UsageError, match=ended):
            acknowledge_at(database, NOW, **wanted)


def test_a_cycle_that_was_replaced_before_anybody_was_notified_has_ended(database: Database) -> None:
    first, second = (
        append_plan(database, NOW + timedelta(hours=hour), next_due_at=f"2027-06-0{hour}T09:00:00Z")
        for hour in (1, 2)
    )

    with pytest.raises(UsageError, match=f'^cycle {first["cycle_id"]} of "payments" has ended; there is'):
        acknowledge_at(database, NOW, cycle_id=first["cycle_id"])
    assert acknowledge_at(database, NOW, cycle_id=second["cycle_id"])


def test_an_owner_who_has_left_the_cycle_does_not_acknowledge_it(database: Database) -> None:
    two = {**ONE, "owners": ["team-a", "team-b"]}
    (plan,) = World(database, two).check()
    World(database, {**two, "owners": ["team-b"]}, now=NOW + timedelta(hours=1)).check()

    (record,) = acknowledge_at(database, NOW, cycle_id=plan.cycle_id)
    assert record.owner == "team-b"
    with pytest.raises(UsageError, match="has ended for team-a; there is nothing"):
        acknowledge_at(database, NOW, cycle_id=plan.cycle_id, owner="team-a")


def acknowledge_at(database: Database, now: datetime, **wanted: Any) -> list[AcknowledgementRecord]:
    given = [(RouteChoice(**wanted), Acknowledgement("maria"))]
    return acknowledge(EvidenceIndex(database), given, now=now, created_at=now)


@pytest.mark.parametrize("count", [0, 1, 100, 101])
def test_one_to_a_hundred_routes_are_acknowledged_at_once(database: Database, count: int) -> None:
    world = World(database, {**ONE, "owners": [f"team-{number:03}" for number in range(count or 1)]})
    world.check()
    given = [(RouteChoice(schedule_id="payments"), Acknowledgement("maria"))] if count else []

    if 1 <= count <= 100:
        assert len(acknowledge(EvidenceIndex(database), given, now=NOW, created_at=NOW)) == count
        return
    with pytest.raises(UsageError, match=rf"^{count} routes are meant; acknowledge 1 to 100 at once"):
        acknowledge(EvidenceIndex(database), given, now=NOW, created_at=NOW)
