"""Turns the steps of a chain that are due into notifications, each once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.documents.time_data import TimeData
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.cycle_facts import CycleFacts, Sent
from rollback_drills.followup.escalations.escalation_steps import PlannedStep
from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notification import (
    UTC_ZONE,
    Notification,
    write_acknowledge,
    write_acknowledge_schedule,
)
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.planning.escalation_chain import Chain, Link
from rollback_drills.planning.notification_text import tidy_facts


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step of one chain that is taken now."""

    cycle: CycleFacts
    chain: Chain
    step: int
    """From 1; beyond the chain, its last person is notified again."""
    due_at: datetime
    providers: Sequence[str]
    time_zone: str = UTC_ZONE
    """Where the person works who is notified."""
    time_data: TimeData | UnsetType = UNSET
    """With which data it was found; UNSET if it needed none."""

    @property
    def link(self) -> Link:
        """Who is notified."""
        return self.chain.links[min(self.step, len(self.chain.links)) - 1]

    @property
    def opened(self) -> Sent:
        """The notification that reached the owner first, or was to."""
        routes = self.cycle.routes_of(self.chain.owner)
        return next(each for route in routes for each in route.own if each.event)

    def find_route_key(self, provider: str) -> str:
        """Return the key of the route to the person through a provider."""
        known = self.cycle.find_route(provider, self.link.owner)
        if known is None:
            return ids.route_key(self.cycle.cycle_id, provider, self.link.owner)
        return known.route_key

    def find_notification_id(self, provider: str) -> str:
        """Return the id of the notification through a provider."""
        reason = ids.escalation_reason(self.chain.owner)
        return ids.notification_id(self.find_route_key(provider), reason, self.step)


def find_escalations(cycle: CycleFacts, rules: FollowUpRules, *, now: datetime) -> Iterator[Escalation]:
    """Yield the steps of a cycle that a run takes now, at most one of each owner."""
    for owner in cycle.chains:
        planned = rules.plan_step(cycle, owner, now=now)
        if planned and planned.is_due(now):
            yield take_step(cycle, owner, planned, rules)


def take_step(cycle: CycleFacts, owner: str, planned: PlannedStep, rules: FollowUpRules) -> Escalation:
    """Return a planned step of an owner's chain as one that is taken."""
    chain = cycle.chains[owner]
    zone = rules.find_time_zone(cycle, planned.link.owner)
    used = rules.find_time_data(cycle, chain.links[: planned.step])
    return Escalation(cycle, chain, planned.step, planned.due_at, planned.providers, zone, used)


class TakenStep(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the event of an escalation says about its step."""

    owner: str
    """Whose silence it is about."""
    step: int
    step_due_at: str
    escalated_at: str
    time_data: TimeData | UnsetType = UNSET
    """The versions of the data that the time depends on."""


def build_entries(escalation: Escalation, *, now: datetime) -> Iterator[OutboxEntry]:
    """Yield what a step commits: a notification through each provider of the person who is notified."""
    for provider in escalation.providers:
        notification = _build(escalation, provider, now=now)
        yield OutboxEntry(
            notification_id=notification.notification_id,
            route_key=notification.route_key,
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


def _owner_key(escalation: Escalation, provider: str) -> str:
    known = escalation.cycle.find_route(provider, escalation.link.owner)
    if known is None:
        return name_key(escalation.link.owner)
    return ids.owner_reference(known.route_key, escalation.cycle.cycle_id, known.provider, known.owner)


def _build(escalation: Escalation, provider: str, *, now: datetime) -> Notification:
    cycle, link, event = escalation.cycle, escalation.link, escalation.opened.event
    acknowledge = write_acknowledge(cycle.cycle_id, link.owner)
    title = f"Escalated: {event['title']}"
    step = TakenStep(
        owner=escalation.chain.owner,
        step=escalation.step,
        step_due_at=write_instant(escalation.due_at),
        escalated_at=write_instant(now),
        time_data=escalation.time_data,
    )
    kept = {name: value for name, value in event.items() if name not in ("deferred_until", "deferred_by")}
    return Notification(
        notification_id=escalation.find_notification_id(provider),
        provider=provider,
        owner=link.owner,
        alert_level="critical",
        title=title,
        summary=_summary(escalation, now=now),
        facts=_facts(escalation),
        acknowledge=f"Acknowledge: {write_acknowledge_schedule(cycle.schedule_id, link.owner)}",
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
            "escalation": msgspec.to_builtins(step),
        },
        reason=Reason.ESCALATED,
        route_key=escalation.find_route_key(provider),
        owner_key=_owner_key(escalation, provider),
        time_zone=escalation.time_zone,
    )


def _summary(escalation: Escalation, *, now: datetime) -> str:
    owner, cycle = escalation.chain.owner, escalation.cycle
    due = " has no known due time"
    if cycle.due_at:
        due = f" {'is' if now < cycle.due_at else 'was'} due {write_instant(cycle.due_at)}"
    is_notified = any(route.notified_at for route in cycle.routes_of(owner))
    if escalation.opened.reason is Reason.DEFERRED and not is_notified:
        why = f"{owner} is absent and could not be notified"
    else:
        why = f"{owner} has not acknowledged, or acknowledged and did not perform the drill"
    return (
        f"The rollback drill of {cycle.schedule_id}{due}: {why}. Make sure that it is performed and recorded."
    )


def _facts(escalation: Escalation) -> tuple[tuple[str, str], ...]:
    cycle, event = escalation.cycle, escalation.opened.event
    notified_at = min(
        (at for each in cycle.routes_of(escalation.chain.owner) if (at := each.notified_at)), default=None
    )
    facts = (
        ("Schedule", cycle.schedule_id),
        ("Environment", event.get("summary", {}).get("environment") or ""),
        ("State", cycle.status.replace("_", " ")),
        ("Due", write_instant(cycle.due_at) if cycle.due_at else "unknown"),
        ("Owner", escalation.chain.owner),
        ("First notified", write_instant(notified_at) if notified_at else "never"),
        ("Step", f"{escalation.step} of {len(escalation.chain.links)}"),
        ("Runbook", str(event.get("runbook_ref") or "")),
    )
    return tidy_facts(facts)
