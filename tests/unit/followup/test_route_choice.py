"""Which routes a person acknowledges, by cycle, plan or schedule."""

from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.followup.acknowledgement import NotifiedRoute
from rollback_drills.followup.route_choice import ChosenRoutes, RouteChoice, choose_routes
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

    with pytest.raises(UsageError, match=f"plan {plan.plan_id} is not in the evidence"):
        choose(database, plan_id=plan.plan_id, schedule_id="orders")
    with pytest.raises(UsageError, match=f"plan {plan.plan_id} is of cycle gordcycle-"):
        choose(database, plan_id=plan.plan_id, cycle_id="gordcycle-1")
    with pytest.raises(UsageError, match=f"plan gordplan-1 is not in the evidence; .* {plan.plan_id}"):
        choose(database, plan_id="gordplan-1")


def test_without_any_plan_there_is_none_to_list(database: Database) -> None:
    with pytest.raises(UsageError, match="cycle gordcycle-1 is not in the evidence; it has no plan at all"):
        choose(database, cycle_id="gordcycle-1")


def test_somebody_has_to_say_which_routes(database: Database) -> None:
    with pytest.raises(UsageError, match="say which one: cycle_id, plan_id or schedule_id"):
        choose(database, provider="slack")


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"schedule_id": "paymnts"}, "schedule paymnts is not in the evidence; the newest are payments"),
        ({"schedule_id": "payments", "provider": "email"}, "has no route email/any owner; it has slack/"),
        ({"schedule_id": "payments", "owner": "team-z"}, "has no route any provider/team-z; it has slack/"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_known(
    database: Database, wanted: dict[str, str], problem: str
) -> None:
    World(database, ONE).check()

    with pytest.raises(UsageError, match=problem):
        choose(database, **wanted)


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


def test_a_cycle_without_a_due_time_has_none(database: Database) -> None:
    world = World(database, {**ONE, "next_due_at": None})
    world.check()

    assert choose(database, schedule_id="payments").due_at is None
