"""What an open cycle waits for, by its facts alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts, Sent
from rollback_drills.followup.escalations.escalation_steps import plan_step
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.next_actions import (
    Action,
    CycleState,
    NextAction,
    find_next_actions,
    find_next_step,
    find_state,
)
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import DEAD, NOTIFIED, UNCERTAIN, WAITING, State
from rollback_drills.planning.escalation_chain import EVENT_KEY, Chain, Link
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW
from tests.samples.followup_records import acknowledged, excepted

LATE = Readiness.NEEDS_ATTENTION
REPEAT = timedelta(days=1)
CHAIN = Chain(
    "team-a",
    (Link("lead", ("slack",), after_minutes=60.0), Link("director", ("slack",), after_minutes=600.0)),
)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def sent(minutes: float = 0, state: State = State.DELIVERED, **changes: Any) -> Sent:
    """Make a notification that was planned and queued then, and tried a minute later."""
    is_tried = state in NOTIFIED or state in DEAD
    known: dict[str, Any] = {
        "notification_id": f"gordmsg-{minutes}",
        "reason": Reason.FIRST,
        "status": LATE,
        "planned_at": at(minutes),
        "queued_at": at(minutes),
        "completed_at": at(minutes + 1) if is_tried else None,
        "attention_at": None,
        "event": {EVENT_KEY: msgspec.to_builtins(CHAIN)},
    }
    return Sent(state=state, **{**known, **changes})


def step(number: int, minutes: float, state: State = State.DELIVERED) -> Sent:
    """Make the escalation of the silence of team-a."""
    return sent(minutes, state, reason=Reason.ESCALATED, event={}, step_of="team-a", step=number)


def kept_back(until: float | None = None, by: str = "owner_calendar", minutes: float = 0) -> Sent:
    """Make the place of a notification that is kept back."""
    event: dict[str, Any] = {EVENT_KEY: msgspec.to_builtins(CHAIN), "deferred_by": by}
    if until is not None:
        event["deferred_until"] = at(until).isoformat()
    return sent(minutes, State.SUPPRESSED, event=event)


def said(until: float, *, when: float = 0, state: str = "acknowledged") -> AcknowledgementRecord:
    return acknowledged(at(when), at(until), state)


def route(*notifications: Sent, owner: str = "team-a", provider: str = "slack", **known: Any) -> RouteFacts:
    return RouteFacts(f"gordroute-{owner}-{provider}", provider, owner, notifications, **known)


def cycle(*routes: RouteFacts, due_at: datetime | None = NOW, **known: Any) -> CycleFacts:
    return CycleFacts("gordcycle-1", "payments", due_at, routes, **known)


def next_step(*routes: RouteFacts, **known: Any) -> tuple[datetime, int] | None:
    found = find_next_step(cycle(*routes, **known), "team-a", CHAIN, repeat_after={LATE: REPEAT})
    return (found.at, found.step) if found else None


# How far it has come


@pytest.mark.parametrize("state", State)
def test_a_cycle_waits_until_somebody_was_told_or_nobody_can_be(state: State) -> None:
    expected = dict.fromkeys(NOTIFIED, CycleState.NOTIFIED) | dict.fromkeys(DEAD, CycleState.UNDELIVERED)

    assert find_state(cycle(route(sent(0, state))), now=NOW) is expected.get(state, CycleState.WAITING)


@pytest.mark.parametrize(
    ("state", "found"),
    [(State.DELIVERED, CycleState.NOTIFIED), (State.PERMANENT, CycleState.UNDELIVERED)],
)
def test_a_later_message_that_waits_makes_nobody_untold(state: State, found: CycleState) -> None:
    assert find_state(cycle(route(sent(0, state), sent(30, State.PENDING))), now=NOW) is found


def test_a_cycle_is_notified_if_one_of_its_messages_arrived() -> None:
    routes = route(sent(0, State.DISABLED)), route(sent(0, State.DELIVERED), provider="teams")

    assert find_state(cycle(*routes), now=NOW) is CycleState.NOTIFIED
    assert [each.is_notified for each in routes] == [False, True]


def test_a_message_that_died_is_acknowledged_by_nobody() -> None:
    dead = route(sent(0, State.PERMANENT), said=said(60))

    assert find_state(cycle(dead), now=NOW) is CycleState.UNDELIVERED


ACKNOWLEDGED, ANNOUNCED, ESCALATED = CycleState.ACKNOWLEDGED, CycleState.NOTIFIED, CycleState.ESCALATED


@pytest.mark.parametrize(
    ("routes", "state"),
    [
        pytest.param([route(sent(), said=said(61))], ACKNOWLEDGED, id="a minute before it ends"),
        pytest.param([route(sent(), said=said(60))], ANNOUNCED, id="when it ends"),
        pytest.param(
            [route(sent(), said=said(61)), route(sent(), provider="teams")], ANNOUNCED, id="one of two routes"
        ),
        pytest.param(
            [route(sent()), route(step(1, 30, State.PENDING), owner="lead")],
            ANNOUNCED,
            id="the step waits for its attempt",
        ),
        pytest.param([route(sent()), route(step(1, 30), owner="lead")], ESCALATED, id="the step was told"),
        pytest.param(
            [route(sent()), route(step(1, 30), owner="lead", said=said(61))], ACKNOWLEDGED, id="by the step"
        ),
        pytest.param(
            [route(sent(), said=said(61)), route(step(1, 30), owner="lead")],
            ACKNOWLEDGED,
            id="by the owner after the step",
        ),
        pytest.param(
            [
                route(sent()),
                route(step(1, 30), owner="lead", said=said(61)),
                route(step(2, 40), owner="director"),
            ],
            ESCALATED,
            id="by an earlier step",
        ),
        pytest.param(
            [
                route(sent()),
                route(step(1, 30), owner="lead"),
                route(step(2, 40), owner="director", said=said(61)),
            ],
            ACKNOWLEDGED,
            id="by the last step",
        ),
    ],
)
def test_a_cycle_is_acknowledged_by_all_of_an_owner_or_by_whoever_was_told_last(
    routes: Sequence[RouteFacts], state: CycleState
) -> None:
    assert find_state(cycle(*routes), now=at(60)) is state


@pytest.mark.parametrize("kind", ExceptionKind)
def test_an_exception_is_all_that_a_cycle_waits_for(kind: ExceptionKind) -> None:
    exception = excepted(at(90), NOW, kind, reason="a freeze", approver="board")
    quiet = cycle(route(sent()), exception=exception)

    assert find_state(quiet, now=NOW) == kind.past
    assert find_next_actions(quiet) == [NextAction(at(90), Action.END_EXCEPTION)]


# What happens next


@pytest.mark.parametrize(
    ("last", "action", "minutes"),
    [
        *(pytest.param(sent(3, each), Action.DELIVER, 3, id=f"{each}, at once") for each in WAITING),
        *(
            pytest.param(sent(3, each, attention_at=at(8)), Action.DELIVER, 8, id=each)
            for each in sorted({*WAITING, *UNCERTAIN})
        ),
        pytest.param(kept_back(20), Action.ANNOUNCE, 20, id="kept back"),
        *(
            pytest.param(sent(3, each), Action.REPEAT, 3 + 24 * 60, id=each)
            for each in sorted({*NOTIFIED, *DEAD})
        ),
    ],
)
def test_a_route_waits_for_what_becomes_of_its_last_notification(
    last: Sent, action: Action, minutes: float
) -> None:
    found = [
        each
        for each in find_next_actions(cycle(route(last)), repeat_after={LATE: REPEAT})
        if each.action is not Action.ESCALATE
    ]

    assert found == [NextAction(at(minutes), action, "team-a")]


def test_a_route_that_is_kept_back_without_an_end_waits_for_nothing_of_its_own() -> None:
    assert [each.action for each in find_next_actions(cycle(route(kept_back())))] == [Action.ESCALATE]


@pytest.mark.parametrize(("until", "minutes"), [(24 * 60 - 1, 24 * 60), (24 * 60 + 1, 24 * 60 + 1)])
def test_an_acknowledgement_puts_a_repeat_off_and_never_brings_it_forward(
    until: float, minutes: float
) -> None:
    actions = find_next_actions(cycle(route(sent(), said=said(until))), repeat_after={LATE: REPEAT})

    assert [each.at for each in actions if each.action is Action.REPEAT] == [at(minutes)]


def test_an_escalation_is_not_repeated() -> None:
    escalated = cycle(route(sent()), route(step(1, 60), owner="lead"))

    assert {(each.action, each.owner) for each in find_next_actions(escalated)} == {
        (Action.REPEAT, "team-a"),
        (Action.ESCALATE, "team-a"),
    }


def test_what_happens_first_comes_first() -> None:
    actions = find_next_actions(cycle(route(sent()), route(sent(0, State.PENDING), provider="teams")))

    assert [each.action for each in actions] == [Action.DELIVER, Action.ESCALATE, Action.REPEAT]


def test_what_was_due_in_an_exception_is_due_when_it_ends_and_the_rest_stays() -> None:
    resumed = cycle(route(sent()), resumed_at=at(90))

    actions = find_next_actions(resumed, repeat_after={LATE: REPEAT})

    assert [(each.action, each.at) for each in actions] == [
        (Action.ESCALATE, at(90)),
        (Action.REPEAT, NOW + REPEAT),
    ]


def test_a_delivery_that_was_due_in_an_exception_is_due_when_it_ends() -> None:
    resumed = cycle(route(sent(0, State.PENDING)), resumed_at=at(90))

    assert find_next_actions(resumed) == [NextAction(at(90), Action.DELIVER, "team-a")]


# The next step of a chain

FIRST_STEP = 61
"""When it is due: the first message was tried after one minute."""


@pytest.mark.parametrize("state", State)
def test_the_clock_of_a_chain_starts_when_the_owner_was_told_or_the_message_died(state: State) -> None:
    is_started = state in NOTIFIED or state in DEAD or state is State.SUPPRESSED  # kept back without an end
    found = next_step(route(sent(0, state)))

    assert found == ((at(60 if state is State.SUPPRESSED else FIRST_STEP), 1) if is_started else None)


def test_no_later_message_and_no_later_route_starts_the_clock_anew() -> None:
    assert next_step(route(sent(), sent(30, reason=Reason.WORSE)), route(sent(20), provider="teams")) == (
        at(FIRST_STEP),
        1,
    )
    assert next_step(route(sent(0, State.PENDING)), route(sent(20), provider="teams")) == (at(81), 1)


def test_a_message_that_has_no_time_of_its_attempt_was_told_when_it_was_queued() -> None:
    assert next_step(route(sent(5, completed_at=None))) == (at(65), 1)


@pytest.mark.parametrize(
    ("last", "due", "started"),
    [
        pytest.param(kept_back(500), 400, 400, id="absent beyond the due time"),
        pytest.param(kept_back(500, minutes=450), 400, 450, id="absent, queued after the due time"),
        pytest.param(kept_back(400), 400, None, id="back at the due time"),
        pytest.param(kept_back(500), None, None, id="without a due time"),
        pytest.param(kept_back(500, by="maintenance_window"), 400, None, id="a window"),
        pytest.param(kept_back(minutes=7), 400, 7, id="absent without an end"),
    ],
)
def test_an_owner_who_is_absent_too_long_counts_as_told(
    last: Sent, due: float | None, started: float | None
) -> None:
    found = next_step(route(last), due_at=None if due is None else at(due))

    assert found == (None if started is None else (at(started + 60), 1))


def test_each_step_waits_from_the_one_before() -> None:
    lead = route(step(1, 70), owner="lead")

    assert next_step(route(sent()), lead) == (at(670), 2)
    assert next_step(route(sent()), lead, route(step(2, 700), owner="director")) is None


def test_the_last_person_is_told_again_of_an_owner_who_is_absent_without_an_end() -> None:
    steps = route(step(1, 70), owner="lead"), route(step(2, 700), owner="director")

    assert next_step(route(kept_back()), *steps) == (at(700) + REPEAT, 3)
    again = route(step(3, 2140), owner="director")
    assert next_step(route(kept_back()), *steps, again) == (at(2140) + REPEAT, 4)
    partly = route(kept_back()), route(sent(), provider="teams")
    assert next_step(*partly, *steps) is None
    assert next_step(route(kept_back(5000)), *steps, due_at=at(400)) is None  # the absence has an end


@pytest.mark.parametrize("repeat_after", [{LATE: 2 * REPEAT}, {LATE: REPEAT / 2}, {}])
def test_documents_say_how_long_an_owner_and_the_last_person_are_left_alone(
    repeat_after: Mapping[Readiness, timedelta],
) -> None:
    wait = repeat_after.get(LATE, timedelta(0))
    steps = route(step(1, 70), owner="lead"), route(step(2, 700), owner="director")

    absent = find_next_actions(cycle(route(kept_back()), *steps), repeat_after=repeat_after)
    told = find_next_actions(cycle(route(sent()), *steps), repeat_after=repeat_after)

    assert [(each.action, each.at) for each in absent] == [(Action.ESCALATE, at(700) + wait)]
    assert [(each.action, each.at) for each in told] == [(Action.REPEAT, NOW + wait)]


@pytest.mark.parametrize(
    ("mine", "theirs", "due"),
    [
        (300, 200, 200),
        (300, None, FIRST_STEP),
        (50, 300, FIRST_STEP),
        (300, 300, 300),
    ],
)
def test_a_step_is_put_off_until_the_first_acknowledgement_of_the_owner_ends(
    mine: float, theirs: float | None, due: float
) -> None:
    other = None if theirs is None else said(theirs)

    found = next_step(route(sent(), said=said(mine)), route(sent(), provider="teams", said=other))

    assert found == (at(due), 1)


def test_an_owner_who_was_told_and_is_kept_back_now_counts_as_told() -> None:
    window = kept_back(5000, by="maintenance_window", minutes=30)

    assert next_step(route(sent(), window)) == (at(FIRST_STEP), 1)


@pytest.mark.parametrize(("until", "due"), [(800, 800), (300, 670)])
def test_a_step_is_put_off_by_whoever_was_told_last(until: float, due: float) -> None:
    assert next_step(route(sent()), route(step(1, 70), owner="lead", said=said(until))) == (at(due), 2)


def test_a_step_is_not_put_off_by_an_earlier_step() -> None:
    director = Chain("team-a", (*CHAIN.links, Link("board", ("slack",), after_minutes=600.0)))
    routes = (
        route(sent()),
        route(step(1, 70), owner="lead", said=said(5000)),
        route(step(2, 700), owner="director"),
    )

    found = find_next_step(cycle(*routes), "team-a", director)

    assert found == NextAction(at(1300), Action.ESCALATE, "team-a", 3)


def test_a_step_is_put_off_by_the_last_step_whatever_the_earlier_ones_say() -> None:
    longer = Chain("team-a", (*CHAIN.links, Link("board", ("slack",), after_minutes=600.0)))
    routes = (
        route(sent()),
        route(step(1, 70), owner="lead"),
        route(step(2, 700), owner="director", said=said(5000)),
    )

    found = find_next_step(cycle(*routes), "team-a", longer)

    assert found == NextAction(at(5000), Action.ESCALATE, "team-a", 3)


@pytest.mark.parametrize("asked", [5, 90])
def test_who_asks_to_escalate_makes_the_step_due_at_once(asked: float) -> None:
    hurried = said(asked, when=asked, state="escalated")

    found = next_step(route(sent(), said=said(500)), route(sent(), provider="teams", said=hurried))

    assert found == (at(asked), 1)


def test_of_two_who_ask_to_escalate_the_first_one_counts() -> None:
    first, second = (said(each, when=each, state="escalated") for each in (5, 20))

    found = next_step(route(sent(), said=second), route(sent(), provider="teams", said=first))

    assert found == (at(5), 1)


@pytest.mark.parametrize(("asked", "due"), [(70, 670), (71, 71)])
def test_who_asked_before_a_step_was_taken_does_not_hurry_the_next_one(asked: float, due: float) -> None:
    hurried = said(asked, when=asked, state="escalated")

    assert next_step(route(sent(), said=hurried), route(step(1, 70), owner="lead")) == (at(due), 2)


def test_an_exception_that_ended_puts_the_step_off_to_its_end() -> None:
    assert next_step(route(sent()), resumed_at=at(300)) == (at(300), 1)
    assert next_step(route(sent()), resumed_at=at(30)) == (at(FIRST_STEP), 1)


def test_a_link_without_a_wait_is_due_at_once() -> None:
    assert Link("lead", ("slack",)).find_due(NOW) == NOW


def test_a_plan_takes_the_wait_of_the_documents_and_an_exception_into_account() -> None:
    routes = (
        route(kept_back()),
        route(step(1, 70), owner="lead"),
        route(step(2, 700), owner="director"),
    )
    exception = excepted(at(90), NOW, approver="board")

    def plan(facts: CycleFacts) -> datetime | None:
        suppressions = Suppressions("payments")
        found = plan_step(facts, "team-a", suppressions, now=NOW, repeat_after={LATE: 2 * REPEAT})
        return found.due_at if found else None

    assert plan(cycle(*routes)) == at(700) + 2 * REPEAT
    assert plan(cycle(*routes, exception=exception)) is None


# Facts


@pytest.mark.parametrize("order", [1, -1])
def test_the_state_of_a_cycle_is_the_one_that_was_told_last(order: int) -> None:
    routes = [route(sent(0, status=Readiness.DUE_SOON)), route(sent(9), provider="teams")][::order]

    assert cycle(*routes).status is LATE


def test_the_chain_of_an_owner_is_the_one_of_the_first_message() -> None:
    later = {EVENT_KEY: msgspec.to_builtins(Chain("team-a", CHAIN.links[1:]))}
    no_text: Mapping[str, Any] = {}

    facts = cycle(
        route(sent(0, event=no_text), sent(1), sent(2, event=later)),
        route(sent(0, event=later), provider="teams"),
        route(step(1, 70), owner="lead"),
    )

    assert facts.chains == {"team-a": CHAIN}


def test_a_route_is_found_in_any_spelling_and_one_of_a_step_is_not_the_owners() -> None:
    mine, lead = route(sent()), route(step(1, 70), owner="lead")
    facts = cycle(mine, lead)

    assert facts.find_route("SLACK", "Team-A") is mine
    assert facts.find_route("teams", "team-a") is None
    assert facts.find_route("slack", "team-b") is None
    assert (facts.routes_of("team-a"), facts.routes_of("lead")) == ([mine], [])


def test_steps_of_an_owner_are_in_the_order_of_the_chain() -> None:
    lead, director = route(step(1, 70), owner="lead"), route(step(2, 700), owner="director")

    of_another = route(sent(50, reason=Reason.ESCALATED, event={}, step_of="team-b", step=1), owner="boss")

    found = cycle(route(sent()), director, lead, of_another).steps_of("TEAM-A")

    assert [(each.owner, one.step) for each, one in found] == [("lead", 1), ("director", 2)]
