"""Builds the escalation plan of contract §6: every told route, and what is to be done about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rollback_drills import PRODUCT, ids
from rollback_drills.documents.fields import tidy, write_instant
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.follow_up_rules import NO_RULES, FollowUpRules
from rollback_drills.followup.route_status import Standing, find_standings
from rollback_drills.readiness.terms import Report

ESCALATION_PLAN_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-escalation-plan.v1"


def build_escalation_plan(
    cycles: Sequence[CycleFacts], *, now: datetime, generated_by: str, rules: FollowUpRules = NO_RULES
) -> Report:
    """Return for every notified route of the open cycles whether it is acknowledged, and whether in time.

    Building a plan sends nothing. Whom it names as next is whom a run notifies by these rules.
    """
    standings = list(find_standings(cycles, now=now))
    generated_at = write_instant(now)
    keys = ",".join(each.route.route_key for each in standings)
    minutes = [each.acknowledgement_minutes for each in standings]
    return {
        "schema_version": ESCALATION_PLAN_SCHEMA,
        "product": PRODUCT,
        "plan_id": ids.escalation_plan_id(generated_at, keys),
        "generated_at": generated_at,
        "generated_by": generated_by,
        **summarise(standings),
        "acknowledgement_minutes": tidy(min(minutes)) if minutes else None,
        "routes": [write_route(each, rules, now=now) for each in standings],
    }


def summarise(standings: Sequence[Standing]) -> dict[str, Any]:
    """Count the routes; any breached one is critical, any outstanding one a warning."""
    outstanding = sum(each.is_outstanding for each in standings)
    breached = sum(each.is_breached for each in standings)
    level = "critical" if breached else "warning" if outstanding else "healthy"
    return {
        "alert_level": level,
        "route_count": len(standings),
        "outstanding_count": outstanding,
        "breached_count": breached,
    }


def write_route(standing: Standing, rules: FollowUpRules, *, now: datetime) -> Report:
    """Write how one route stands, and who is notified next."""
    cycle, route = standing.cycle, standing.route
    step = rules.plan_step(cycle, route.owner, now=now)
    return {
        "schedule_id": cycle.schedule_id,
        "cycle_id": cycle.cycle_id,
        "plan_id": route.own[0].event.get("plan_id", ""),
        "provider": route.provider,
        "owner": route.owner,
        "acknowledgement_state": standing.acknowledgement_state,
        "acknowledged": standing.is_acknowledged,
        "acknowledged_until": write_instant(route.said.until) if route.said else None,
        "excepted": cycle.exception.because if cycle.exception else None,
        "age_minutes": tidy(round(standing.age.total_seconds() / 60, 1)),
        "acknowledgement_minutes": tidy(standing.acknowledgement_minutes),
        "breached": standing.is_breached,
        "recommended_action": str(standing.recommendation),
        "steps_taken": max((each.step for _, each in cycle.steps_of(route.owner)), default=0),
        "next_step_at": write_instant(step.at) if step and step.told else None,
        "next_step_owner": (step.told or None) if step else None,
    }
