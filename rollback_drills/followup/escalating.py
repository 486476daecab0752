"""Turns the steps of a chain that are due into notifications, each once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rollback_drills import identity
from rollback_drills.delivery.reasons import Reason
from rollback_drills.documents.fields import write_instant
from rollback_drills.followup.chain import Chain, Link
from rollback_drills.followup.facts import CycleFacts, Sent
from rollback_drills.followup.next_action import Action, NextAction, find_next_step
from rollback_drills.notification import Notification, write_acknowledge
from rollback_drills.outbox.intake import Entry
from rollback_drills.readiness.terms import Readiness
from rollback_drills.routing.routes import Route
from rollback_drills.routing.suppression import Suppressions
from rollback_drills.routing.telling import REPEAT_AFTER


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step of one chain that is taken now."""

    cycle: CycleFacts
    chain: Chain
    step: int
    """From 1; beyond the chain, its last person is told again."""
    due_at: datetime
    providers: Sequence[str]

    @property
    def link(self) -> Link:
        """Who is told."""
        return self.chain.links[min(self.step, len(self.chain.links)) - 1]

    @property
    def opened(self) -> Sent:
        """What told the owner first, or was to."""
        routes = self.cycle.routes_of(self.chain.owner)
        return next(each for route in routes for each in route.own if each.event)


def find_escalations(
    cycle: CycleFacts,
    suppressions: Suppressions,
    *,
    now: datetime,
    repeat_after: Mapping[Readiness, timedelta] = REPEAT_AFTER,
) -> Iterator[Escalation]:
    """Give the steps of a cycle that are due, at most one of each owner.

    A person who is absent is passed over for the next one of the chain; a window keeps a step back until it
    ends.

    Args:
        cycle: The facts.
        suppressions: The windows and calendars of its schedule.
        now: The instant.
        repeat_after: After how long the last person is told again of an owner who is absent without an end.
    """
    if cycle.exception:
        return
    for owner, chain in cycle.chains.items():
        due = find_next_step(cycle, owner, chain, repeat_after=repeat_after)
        if due is None or due.at > now:
            continue
        escalation = _pass_over(Escalation(cycle, chain, due.step, due.at, ()), suppressions, now)
        link = escalation.link
        open_ways = [
            provider
            for provider in link.providers
            if not suppressions.find_window(Route(link.owner, provider, 0, link.owner), now)
        ]
        if open_ways and not suppressions.find_absence(link.owner, now):
            yield replace(escalation, providers=open_ways)


def put_off(
    cycle: CycleFacts, action: NextAction, suppressions: Suppressions, *, now: datetime
) -> NextAction:
    """Give a step that is due and cannot be taken at the instant at which it can; other actions as they are.

    A window or an absence keeps it back. One without an end in sight leaves it overdue: nobody will take it.
    """
    if action.action is not Action.ESCALATE or action.at > now:
        return action
    chain = cycle.chains[action.owner]
    link = _pass_over(Escalation(cycle, chain, action.step, action.at, ()), suppressions, now).link
    instants = (
        suppressions.deferred_until(Route(link.owner, provider, 0, link.owner), now)
        for provider in link.providers
    )
    free_at = min((each for each in instants if each), default=now)
    return replace(action, at=free_at) if free_at > now else action


def _pass_over(escalation: Escalation, suppressions: Suppressions, now: datetime) -> Escalation:
    """Give the step of the first person from there on who is not absent, or the last one's."""
    step, links = escalation.step, escalation.chain.links
    while step < len(links) and suppressions.find_absence(links[step - 1].owner, now):
        step += 1
    return replace(escalation, step=step)


def build_entries(escalation: Escalation, *, now: datetime) -> Iterator[Entry]:
    """Give what a step commits: a notification through each provider of the person who is told."""
    for provider in escalation.providers:
        notification = _build(escalation, provider, now=now)
        yield Entry(
            notification_id=notification.notification_id,
            route_key=_route_key(escalation, provider),
            cycle_id=escalation.cycle.cycle_id,
            schedule_id=escalation.cycle.schedule_id,
            provider=provider,
            owner=escalation.link.owner,
            reason=Reason.ESCALATED,
            status=escalation.cycle.status,
            cycle_due=write_instant(escalation.cycle.due_at) if escalation.cycle.due_at else "",
            planned_at=now,
            notification=notification,
        )


def _route_key(escalation: Escalation, provider: str) -> str:
    return identity.route_key(escalation.cycle.cycle_id, provider, escalation.link.owner)


def _notification_id(escalation: Escalation, provider: str) -> str:
    reason = identity.escalation_reason(escalation.chain.owner)
    return identity.notification_id(_route_key(escalation, provider), reason, escalation.step)


def _build(escalation: Escalation, provider: str, *, now: datetime) -> Notification:
    cycle, link, event = escalation.cycle, escalation.link, escalation.opened.event
    acknowledge = write_acknowledge(cycle.cycle_id, link.owner)
    title = f"Escalated: {event['title']}"
    kept = {name: value for name, value in event.items() if name not in ("deferred_until", "deferred_by")}
    return Notification(
        notification_id=_notification_id(escalation, provider),
        provider=provider,
        owner=link.owner,
        alert_level="critical",
        title=title,
        summary=_summary(escalation, now=now),
        facts=tuple(_facts(escalation, now=now)),
        acknowledge=f"Acknowledge: {acknowledge}",
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        plan_id=event["plan_id"],
        event={
            **kept,
            "alert_level": "critical",
            "title": title,
            "owners": [link.owner],
            "notification_providers": [provider],
            "acknowledge": acknowledge,
            "escalation": {
                "owner": escalation.chain.owner,
                "step": escalation.step,
                "step_due_at": write_instant(escalation.due_at),
                "escalated_at": write_instant(now),
            },
        },
        reason=Reason.ESCALATED,
    )


def _summary(escalation: Escalation, *, now: datetime) -> str:
    owner, cycle = escalation.chain.owner, escalation.cycle
    due = " has no known due instant"
    if cycle.due_at:
        due = f" {'is' if now < cycle.due_at else 'was'} due {write_instant(cycle.due_at)}"
    is_told = any(route.told_at for route in cycle.routes_of(owner))
    if escalation.opened.reason is Reason.DEFERRED and not is_told:
        why = f"{owner} is absent and could not be told"
    else:
        why = f"{owner} has not acknowledged, or has and did not perform the drill"
    return f"The rollback drill of {cycle.schedule_id}{due}: {why}. See that it is performed and recorded."


def _facts(escalation: Escalation, *, now: datetime) -> Iterator[tuple[str, str]]:
    cycle, event = escalation.cycle, escalation.opened.event
    summary: Mapping[str, Any] = event.get("summary", {})
    told_at = min(
        (at for each in cycle.routes_of(escalation.chain.owner) if (at := each.told_at)), default=None
    )
    facts = (
        ("Schedule", cycle.schedule_id),
        ("Environment", summary.get("environment") or ""),
        ("State", str(cycle.status).replace("_", " ")),
        ("Due", write_instant(cycle.due_at) if cycle.due_at else "unknown"),
        ("Owner", escalation.chain.owner),
        ("First told", write_instant(told_at) if told_at else "never"),
        ("Step", f"{escalation.step} of {len(escalation.chain.links)}"),
        ("Escalated to", escalation.link.owner),
        ("Escalated at", write_instant(now)),
        ("Runbook", str(event.get("runbook_ref") or "")),
        ("Plan", event["plan_id"]),
        ("Cycle", cycle.cycle_id),
    )
    yield from ((label, text) for label, value in facts if (text := " ".join(value.split())))
