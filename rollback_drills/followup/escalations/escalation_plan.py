"""Builds the escalation plan of contract §6: every route whose clock runs, and what is to be done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules
from rollback_drills.followup.route_status import Recommendation, Standing, find_standings
from rollback_drills.names import ids

ESCALATION_PLAN_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-escalation-plan.v1"


class EscalationRoute(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How one route stands, and who is notified next."""

    schedule_id: str
    cycle_id: str
    plan_id: str
    provider: str
    owner: str
    notified: bool
    """Whether a message arrived; not if it is a dead letter, or the owner is absent."""
    acknowledgement_state: str
    acknowledged: bool
    acknowledged_until: str | None
    excepted: str | None
    age_minutes: float | int
    acknowledgement_minutes: float | int
    breached: bool
    recommended_action: Recommendation
    steps_taken: int
    next_step_at: str | None
    next_step_owner: str | None


class EscalationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The escalation plan of all open cycles."""

    schema_version: str = ESCALATION_PLAN_SCHEMA
    product: str = PRODUCT
    plan_id: str
    generated_at: str
    generated_by: str
    alert_level: str
    route_count: int
    outstanding_count: int
    breached_count: int
    acknowledgement_minutes: float | int | None
    routes: list[EscalationRoute]


class RouteCounts(NamedTuple):
    """How routes stand: any breached one is critical, any outstanding one a warning."""

    alert_level: str
    route_count: int
    outstanding_count: int
    breached_count: int


def build_escalation_plan(
    cycles: Sequence[CycleFacts], *, now: datetime, generated_by: str, rules: FollowUpRules
) -> EscalationPlan:
    """Return for every route of the open cycles whose clock runs whether it is acknowledged, and in time.

    Building a plan sends nothing. Whom it names as next is whom a run notifies by these rules.
    """
    standings = list(find_standings(cycles, now=now))
    generated_at = write_instant(now)
    keys = ",".join(each.route.route_key for each in standings)
    minutes = [each.acknowledgement_minutes for each in standings]
    return EscalationPlan(
        plan_id=ids.escalation_plan_id(generated_at, keys),
        generated_at=generated_at,
        generated_by=generated_by,
        **summarise(standings)._asdict(),
        acknowledgement_minutes=tidy(min(minutes)) if minutes else None,
        routes=[describe_route(each, rules, now=now) for each in standings],
    )


def summarise(standings: Sequence[Standing]) -> RouteCounts:
    """Count the routes."""
    outstanding = sum(each.is_outstanding for each in standings)
    breached = sum(each.is_breached for each in standings)
    level = "critical" if breached else "warning" if outstanding else "healthy"
    return RouteCounts(level, len(standings), outstanding, breached)


def describe_route(standing: Standing, rules: FollowUpRules, *, now: datetime) -> EscalationRoute:
    """Return how one route stands, and who is notified next."""
    cycle, route = standing.cycle, standing.route
    step = rules.plan_step(cycle, route.owner, now=now)
    return EscalationRoute(
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        plan_id=route.own[0].event.get("plan_id", ""),
        provider=route.provider,
        owner=route.owner,
        notified=route.is_notified,
        acknowledgement_state=standing.acknowledgement_state,
        acknowledged=standing.is_acknowledged,
        acknowledged_until=write_instant(route.said.until) if route.said else None,
        excepted=cycle.exception.because if cycle.exception else None,
        age_minutes=tidy(round(standing.age.total_seconds() / 60, 1)),
        acknowledgement_minutes=tidy(standing.acknowledgement_minutes),
        breached=standing.is_breached,
        recommended_action=standing.recommendation,
        steps_taken=max((each.step for _, each in cycle.steps_of(route.owner)), default=0),
        next_step_at=write_instant(step.at) if step and step.escalates_to else None,
        next_step_owner=(step.escalates_to or None) if step else None,
    )
