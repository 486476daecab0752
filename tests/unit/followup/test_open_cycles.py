"""Which cycles are open, and what the outbox and the evidence say about each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.open_cycles import find_quiet, read_open_cycles
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.planning.escalation_chain import EVENT_KEY, Chain, Link
from tests.samples.builders import NOW
from tests.samples.outbox import make_entry
from tests.samples.outbox_rows import force, put
from tests.samples.world import World

BOTH = [
    {"schedule_id": name, "owners": ["team-a"], "notification_providers": ["slack"]}
    for name in ("search", "orders")
]


def notified(schedule_id: str, **values: Any) -> OutboxEntry:
    """Return a notification whose event has the frozen chain of its owner, as each plan writes it."""
    entry = make_entry(schedule_id, **values)
    chain = Chain(entry.owner, (Link("lead", (entry.provider,), after_minutes=60.0),))
    event = {**entry.notification.event, EVENT_KEY: msgspec.to_builtins(chain)}
    return replace(entry, notification=replace(entry.notification, event=event))


def opened(database: Database, schedule_ids: Sequence[str] | None = None) -> list[CycleFacts]:
    return read_open_cycles(database, now=NOW, schedule_ids=schedule_ids)


def names(cycles: Sequence[CycleFacts]) -> list[str]:
    return [each.schedule_id for each in cycles]


def test_the_cycles_that_wait_longest_come_first(database: Database) -> None:
    put(database, notified("search"), notified("orders"), notified("search", owner="team-b"))

    assert names(opened(database)) == ["search", "orders"]
    assert names(opened(database, ["orders", "search"])) == ["search", "orders"]


def test_the_open_cycles_of_some_schedules_are_found_in_any_spelling(database: Database) -> None:
    put(database, notified("Payments"), notified("search"), notified("orders"))
    put(database, replace(notified("orders", reason=Reason.RESOLVED), closes=True))

    assert names(opened(database)) == ["Payments", "search"]
    assert names(opened(database, ["payments", "ORDERS", "unknown"])) == ["Payments"]
    assert opened(database, []) == []


@pytest.mark.slow
def test_the_cycles_of_more_schedules_than_a_query_takes_are_found_once(database: Database) -> None:
    entries = [notified(f"payments-{number:03}") for number in range(501)]
    put(database, *entries)

    found = opened(database, [each.schedule_id for each in entries])

    assert sorted(names(found)) == [each.schedule_id for each in entries]
    assert {len(route.sent) for each in found for route in each.routes} == {1}


@pytest.mark.parametrize("state", [State.SUPERSEDED, State.DISCARDED])
def test_a_notification_that_was_withdrawn_is_left_out(state: State, database: Database) -> None:
    withdrawn, kept, other = put(
        database,
        notified("payments"),
        notified("payments", reason=Reason.WORSE),
        notified("search"),
    )
    for each in (withdrawn, other):
        force(database, each, state=state)

    (cycle,) = opened(database)

    assert [each.notification_id for each in cycle.routes[0].sent] == [kept]


def test_a_cycle_and_its_routes_keep_the_first_spelling(database: Database) -> None:
    first = notified("Payments", provider="Hook", owner="Team-A")
    later = notified("payments", provider="hook", owner="team-a", reason=Reason.REPEAT)
    put(database, first, replace(later, route_key="gordroute-later"))

    (cycle,) = opened(database)
    (route,) = cycle.routes

    assert cycle.schedule_id == "Payments"
    assert (route.route_key, route.provider, route.owner) == (first.route_key, "Hook", "Team-A")


def test_the_due_time_of_a_cycle_is_the_first_that_is_known(database: Database) -> None:
    earlier, _ = put(database, notified("payments"), notified("payments", reason=Reason.REPEAT))
    force(database, earlier, cycle_due="")

    (cycle,) = opened(database)

    assert cycle.due_at == datetime.fromisoformat("2026-11-27T09:00:00+00:00")


def test_a_cycle_without_a_due_time_has_none(database: Database) -> None:
    put(database, notified("payments", due_at=""))

    assert [each.due_at for each in opened(database)] == [None]


def test_a_notification_without_a_text_has_an_empty_event(database: Database) -> None:
    (its_id,) = put(database, notified("payments"))
    force(database, its_id, notification="")

    (cycle,) = opened(database)

    assert cycle.routes[0].last.event == {}


def test_the_times_of_a_notification_are_known_as_far_as_there_are_any(database: Database) -> None:
    tried, waiting = put(
        database, notified("payments"), notified("payments", reason=Reason.WORSE), now=NOW.timestamp()
    )
    later = NOW + timedelta(minutes=1)
    force(database, tried, state=State.DELIVERED, due_at=None, completed_at=later.timestamp())

    (cycle,) = opened(database)
    times = {
        each.notification_id: (each.queued_at, each.completed_at, each.attention_at)
        for each in cycle.routes[0].sent
    }

    assert times == {tried: (NOW, later, None), waiting: (NOW, None, NOW)}


def test_what_was_acknowledged_and_excepted_is_known_of_each_cycle(database: Database) -> None:
    world = World(database, *BOTH)
    cycle_ids = [plan.cycle_id for plan in world.check()]
    world.wait(hours=1)
    for schedule_id in ("search", "orders"):
        world.ack(schedule_id, acknowledged_for=timedelta(days=1))
        world.grant(ExceptionKind.POSTPONE, world.now + timedelta(days=2), schedule_id)

    acknowledged, excepted = find_quiet(database, cycle_ids, now=world.now)
    cycles = world.open_cycles()

    assert len(set(cycle_ids)) == 2
    assert set(excepted) == set(cycle_ids)
    assert {each.until for each in excepted.values()} == {world.now + timedelta(days=2)}
    assert set(acknowledged) == {route.route_key for each in cycles for route in each.routes}
    assert all(
        route.said and route.said.acknowledged_by == "maria" for each in cycles for route in each.routes
    )
    assert {each.exception and each.exception.until for each in cycles} == {world.now + timedelta(days=2)}
    assert [each.resumed_at for each in cycles] == [None, None]


def test_a_cycle_whose_exception_is_over_counts_again_from_its_end(database: Database) -> None:
    world = World(database, *BOTH)
    cycle_ids = [plan.cycle_id for plan in world.check()]
    end = world.now + timedelta(days=1)
    world.grant(ExceptionKind.POSTPONE, end, "search")
    world.wait(days=1)

    search, orders = world.open_cycles()

    assert find_quiet(database, cycle_ids, now=world.now)[1] == {}
    assert (search.exception, search.resumed_at) == (None, end)
    assert (orders.exception, orders.resumed_at) == (None, None)


def test_an_escalation_knows_its_step_and_whose_silence_it_is_about(database: Database) -> None:
    step = notified("payments", owner="lead", reason=Reason.ESCALATED)
    taken = {"owner": "team-a", "step": 2, "step_due_at": NOW.isoformat(), "escalated_at": NOW.isoformat()}
    event = {**step.notification.event, "escalation": taken}
    put(database, notified("payments"))
    put(database, replace(step, notification=replace(step.notification, event=event)))

    (cycle,) = opened(database)
    first, second = (route.last for route in cycle.routes)

    assert (first.step_of, first.step) == ("", 0)
    assert (second.step_of, second.step) == ("team-a", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"notification": "{"},
        {"notification": '{"event": 5}'},
        pytest.param({"notification": '{"event":' * 9_000}, id="nested too deeply"),
        pytest.param({"reason": Reason.ESCALATED}, id="an escalation without a step"),
    ],
)
def test_a_damaged_notification_hides_no_other_cycle(
    database: Database, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    damaged, _ = put(database, notified("payments"), notified("orders"))
    force(database, damaged, **changes)

    assert names(opened(database)) == ["orders"]
    assert f"the text of {damaged} in the outbox cannot be read, and is left out" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session_id", 5),
        ("plan_id", None),
        ("title", []),
        ("deferred_until", "soon"),
        ("deferred_until", "2026-12-01"),
        ("summary", "none"),
        ("escalation", {"owner": "team-a", "step": "2"}),
    ],
)
def test_an_event_that_somebody_changed_hides_no_other_cycle(
    name: str, value: object, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    entry = notified("payments")
    event = {**entry.notification.event, name: value}
    put(database, replace(entry, notification=replace(entry.notification, event=event)), notified("orders"))

    assert names(opened(database)) == ["orders"]
    assert f"the text of {entry.notification_id} in the outbox cannot be read" in caplog.text


@pytest.mark.parametrize(
    "chain",
    [
        {"owner": "team-a"},
        {"owner": "team-a", "links": []},
        {"owner": "team-a", "links": [{"owner": "lead", "providers": ["slack"], "after_minutes": 1e300}]},
        {"owner": "team-a", "links": [{"owner": "l", "providers": ["slack"], "after_business_hours": 1e9}]},
    ],
    ids=["no links", "an empty chain", "minutes without an end", "hours without an end"],
)
def test_a_chain_that_cannot_be_followed_stops_no_other_and_is_a_problem(
    chain: dict[str, Any], database: Database
) -> None:
    world = World(database, *BOTH)
    world.check()
    with database.read() as connection:
        (row,) = connection.execute(select(OUTBOX).where(OUTBOX.c.schedule_id == "search"))
    changed = msgspec.json.decode(row.notification)
    changed["event"][EVENT_KEY] = chain
    force(database, row.notification_id, notification=msgspec.json.encode(changed).decode())
    world.wait(minutes=61)

    assert [each.cycle.schedule_id for each in world.escalate()] == ["orders"]
    (problem,) = world.problems()
    assert problem.startswith("search (gordcycle-")
    assert "the escalation chain of search cannot be followed here: " in problem
    assert problem.endswith(f" (the text of {row.notification_id} in the outbox)")
    routes = {each["schedule_id"]: each for each in world.escalation_plan()["routes"]}
    assert (routes["search"]["breached"], routes["search"]["next_step_owner"]) == (True, None)


@pytest.mark.parametrize("cycle_due", ["tomorrow", "2026-12-01T09:00:00"])
def test_a_due_time_that_is_none_hides_no_other_cycle(
    cycle_due: str, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, _ = put(database, notified("payments"), notified("orders"))
    force(database, damaged, cycle_due=cycle_due)

    assert names(opened(database)) == ["orders"]
    assert f"the row of {damaged} in the outbox cannot be read" in caplog.text
