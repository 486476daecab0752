"""What an open cycle waits for, and when: a pure rule over its facts. No open cycle waits for nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementState
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts
from rollback_drills.notifications.states import DEAD, UNCERTAIN, WAITING, State
from rollback_drills.planning.category import Category
from rollback_drills.planning.escalation_chain import Chain
from rollback_drills.planning.repeats import REPEAT_AFTER
from rollback_drills.readiness.states import Readiness


class Action(StrEnum):
    """What happens next."""

    DELIVER = "deliver"  # an attempt, or the end of a lease
    ANNOUNCE = "announce"  # a window or an absence ends
    ESCALATE = "escalate"  # the next step of a chain
    REPEAT = "repeat"  # the drill check notifies the owner again
    END_EXCEPTION = "end_exception"  # a skip, postponement or waiver ends
    CLOSE = "close"  # the cycle is over, and the owner learns it when a window or an absence ends
    RETIRE = "retire"  # the document is gone: a person retires the schedule, or restores the document


@dataclass(frozen=True, slots=True, order=True)
class NextAction:
    """One thing that will happen to a cycle."""

    at: datetime
    action: Action
    owner: str = ""
    step: int = 0
    """Of an escalation: its step in the chain, from 1."""
    escalates_to: str = ""
    """Of an escalation: who is notified."""


class CycleState(StrEnum):
    """How far an open cycle has come."""

    WAITING = "waiting"  # committed or kept back; nobody is notified yet
    UNDELIVERED = "undelivered"  # nobody is notified yet, because a message is a dead letter
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"  # everybody who was notified has acknowledged, and it holds
    ESCALATED = "escalated"
    SKIPPED = "skipped"
    POSTPONED = "postponed"
    WAIVED = "waived"


def find_state(cycle: CycleFacts, *, now: datetime) -> CycleState:
    """Return how far an open cycle has come at an instant."""
    if cycle.exception:
        return CycleState(cycle.exception.exception.past)
    notified = [route for route in cycle.routes if route.is_notified]
    if not notified:
        is_dead = any(each.state in DEAD for route in cycle.routes for each in route.sent)
        return CycleState.UNDELIVERED if is_dead else CycleState.WAITING
    if any(each.step for route in notified for each in route.sent) and not _all_acknowledged(cycle, now):
        return CycleState.ESCALATED
    return CycleState.ACKNOWLEDGED if _all_acknowledged(cycle, now) else CycleState.NOTIFIED


def find_next_actions(
    cycle: CycleFacts, *, repeat_after: Mapping[Readiness, timedelta] = REPEAT_AFTER
) -> list[NextAction]:
    """Return everything that will happen to an open cycle, the earliest first.

    An exception puts everything but its own end off, and what was due before its end is due then. What lies
    in the past is due.

    Args:
        cycle: The facts.
        repeat_after: How long a route stays quiet after it was notified, by state.
    """
    if cycle.exception:
        return [NextAction(cycle.exception.until, Action.END_EXCEPTION)]
    found = [
        replace(each, at=max(each.at, cycle.resumed_at or each.at))
        for route in cycle.routes
        for each in _of_route(route, repeat_after)
    ]
    for owner, chain in cycle.chains.items():
        if step := find_next_step(cycle, owner, chain, repeat_after=repeat_after):
            found.append(step)
    return sorted(found)


def find_next_step(
    cycle: CycleFacts,
    owner: str,
    chain: Chain,
    *,
    repeat_after: Mapping[Readiness, timedelta] = REPEAT_AFTER,
) -> NextAction | None:
    """Return the next step of an owner's chain, and when it is due; None if there is none, or none yet.

    The clock starts when the owner was first notified in this cycle, and no later notification restarts it
    (contract §8.7). It starts as well when the message died, and when the owner is absent without an end or
    beyond the due instant, since then nobody knows. Each later step waits from the instant at which the one
    before was taken, so that everybody has their time. An acknowledgement of every route of the owner, or of
    whoever was notified last, puts the step off until it ends; one that asks to escalate makes it due at
    once. If the owner is absent without an end, the last person of the chain is notified again and again,
    because nobody notifies the owner.
    """
    routes, done = cycle.routes_of(owner), cycle.steps_of(owner)
    started = [at for route in routes if (at := find_start(route, cycle.due_at)) is not None]
    number = done[-1][1].step if done else 0
    if not started:
        return None
    if number < len(chain.links):
        at = chain.links[number].find_due(done[-1][1].queued_at if done else min(started))
    elif all(route.is_absent for route in routes):
        at = done[-1][1].queued_at + repeat_after.get(cycle.status, timedelta(0))
    else:
        return None
    for asked in (routes, [route for route, each in done if each.step == number]):
        if asked:
            at = max(at, min(route.quiet_until(at) for route in asked))
    at = max(at, cycle.resumed_at or at)
    hurried = _asked_to_escalate(routes, done[-1][1].queued_at if done else None)
    return NextAction(min(at, hurried) if hurried else at, Action.ESCALATE, owner, number + 1)


def find_start(route: RouteFacts, due_at: datetime | None) -> datetime | None:
    """Return when the clock of a route starts; None if it does not, as long as nobody was notified.

    Args:
        route: To the owner of a schedule.
        due_at: When the drill is due.
    """
    if route.notified_at is not None or route.last.state is not State.SUPPRESSED:
        return route.notified_at
    until = route.last.event.get("deferred_until")
    if until is None:
        return route.last.queued_at
    is_absent = (
        route.last.event.get("deferred_by") == Category.OWNER_CALENDAR
    )  # a freeze is approved, leave is not
    if is_absent and due_at is not None and datetime.fromisoformat(until) > due_at:
        return max(due_at, route.last.queued_at)
    return None


def _asked_to_escalate(routes: list[RouteFacts], last_step_at: datetime | None) -> datetime | None:
    asked = [
        route.said.at
        for route in routes
        if route.said
        and route.said.acknowledgement_state is AcknowledgementState.ESCALATED
        and (last_step_at is None or route.said.at > last_step_at)
    ]
    return min(asked, default=None)


def _of_route(route: RouteFacts, repeat_after: Mapping[Readiness, timedelta]) -> Iterator[NextAction]:
    last = route.last
    if last.state in WAITING or last.state in UNCERTAIN:
        yield NextAction(last.attention_at or last.queued_at, Action.DELIVER, route.owner)
    elif last.state is State.SUPPRESSED:
        if until := last.event.get("deferred_until"):
            yield NextAction(datetime.fromisoformat(until), Action.ANNOUNCE, route.owner)
    elif route.own:
        at = last.planned_at + repeat_after.get(last.status, timedelta(0))
        yield NextAction(max(at, route.quiet_until(at)), Action.REPEAT, route.owner)


def _all_acknowledged(cycle: CycleFacts, now: datetime) -> bool:
    """Whether for every owner all its routes, or who was notified last, has acknowledged, and it holds."""
    for owner in cycle.chains:
        done = cycle.steps_of(owner)
        last = [route for route, each in done if each.step == done[-1][1].step]
        asked = [cycle.routes_of(owner), last]
        if not any(routes and all(now < route.quiet_until(now) for route in routes) for routes in asked):
            return False
    return True
