"""Whom an owner's silence escalates to, and when: a chain that is frozen when the owner is first notified."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rollback_drills.documents.calendars.working_days import find_calendar
from rollback_drills.documents.calendars.working_time import WorkingTime
from rollback_drills.documents.fields import Document, Minutes
from rollback_drills.documents.owner_rules import BusinessHoursCount, EscalationStep, OwnerRule
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import name_key
from rollback_drills.planning.business_hours import add_business_hours
from rollback_drills.planning.routes import Route, rules_of

EVENT_KEY: Final = "escalation_chain"
"""Where the event of a notification has the chain, so that later edits of documents do not change it."""


class Link(Document, frozen=True, gc=False, omit_defaults=True):
    """One step of a chain: who is notified through what, and how long after the step before."""

    owner: str
    providers: tuple[str, ...]
    after_minutes: Minutes | None = None
    after_business_hours: BusinessHoursCount | None = None
    working_time: WorkingTime = WorkingTime()
    """Of the owner who is waited for."""

    def find_due(self, before: datetime) -> datetime:
        """Return when the step is due, if the one before it was at this instant."""
        if self.after_business_hours is not None:
            return add_business_hours(before, self.after_business_hours, self.working_time)
        return before + timedelta(minutes=self.after_minutes or 0)


class Chain(Document, frozen=True, gc=False, omit_defaults=True):
    """Who is notified, one after the other, of what an owner does not acknowledge."""

    owner: str
    links: Annotated[tuple[Link, ...], Meta(min_length=1)]


def resolve_chains(
    routes: Sequence[Route], *sources: RoutingPolicy | None, of: Sequence[str] | None = None
) -> dict[str, Chain]:
    """Return the chain of every owner of these routes.

    The first step is the escalation owner after the minutes for acknowledgement; without one it is the owner
    once more (contract §4). A person in the chain is notified through the providers of their own rule, else
    through those that the owner is notified through.

    Args:
        routes: The routes of a schedule.
        sources: The schedule document first, then the caller's policy.
        of: The owners whose chains are wanted; None for all.
    """
    rules, working = rules_of(*sources), _working_times(sources)
    providers: dict[str, list[str]] = {}
    for route in routes:
        providers.setdefault(route.owner, []).append(route.provider)
    chains = {}
    for route in routes:
        if route.owner in chains or (of is not None and route.owner not in of):
            continue
        rule = rules.get(name_key(route.owner))
        first = EscalationStep(
            owner=route.escalation_owner, after_minutes=float(route.acknowledgement_minutes)
        )
        links, waited_for = [], route.owner
        for step in (first, *(rule.escalation_steps if rule else ())):
            links.append(_link(step, waited_for, rules, working, providers[route.owner]))
            waited_for = step.owner
        chains[route.owner] = Chain(route.owner, tuple(links))
    return chains


def _link(
    step: EscalationStep,
    waited_for: str,
    rules: Mapping[str, OwnerRule],
    working: Mapping[str, WorkingTime],
    otherwise: Sequence[str],
) -> Link:
    rule = rules.get(name_key(step.owner))
    return Link(
        step.owner,
        tuple(step.providers or (rule.providers if rule else ()) or otherwise),
        step.after_minutes,
        step.after_business_hours,
        working.get(name_key(waited_for), WorkingTime()),
    )


def _working_times(sources: Sequence[RoutingPolicy | None]) -> dict[str, WorkingTime]:
    """Return when owners work; what the caller's policy says of one comes last and wins."""
    found: dict[str, WorkingTime] = {}
    for source in filter(None, sources):
        for owner, calendar in source.owner_calendars.items():
            so_far = found.get(name_key(owner), WorkingTime())
            zone, hours, days = calendar.time_zone or so_far.time_zone, so_far.hours, so_far.calendar
            if calendar.business_hours:
                hours = calendar.business_hours
                days = find_calendar(hours.calendar, source.calendars) if hours.calendar else None
            found[name_key(owner)] = WorkingTime(zone, hours, days)
    return found


def read_chain(event: Mapping[str, Any]) -> Chain:
    """Read the chain that an event carries.

    Events of before chains existed name one escalation owner for each owner, which is a chain of one step.

    Raises:
        UsageError: It counts working days by holidays that are not known here, or somebody changed it.
    """
    try:
        chain = event[EVENT_KEY] if EVENT_KEY in event else _chain_of_before(event["owner_routes"][0])
        return msgspec.convert(chain, Chain)
    except (msgspec.ValidationError, LookupError, TypeError) as error:
        name = event.get("schedule_id", "")
        raise UsageError(f"the escalation chain of {name} cannot be followed here: {error}") from None


def _chain_of_before(route: Mapping[str, Any]) -> dict[str, Any]:
    link = {
        "owner": route["escalation_owner"],
        "providers": route["providers"],
        "after_minutes": route["acknowledgement_minutes"],
    }
    return {"owner": route["owner"], "links": [link]}
