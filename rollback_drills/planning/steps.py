"""The rules in the order of the process, for one schedule: judge it, then plan who is told."""

from datetime import datetime

import msgspec

from rollback_drills.documents.fleet import Subject
from rollback_drills.planning.decisions import RouteDecision, decide_routes
from rollback_drills.planning.plan import Plan, build_plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import Route, eligible_providers, resolve_routes
from rollback_drills.readiness.judgement import Judgement


class Routing(msgspec.Struct, frozen=True, gc=False):
    """Who could be told of one schedule."""

    eligible: list[str]
    routes: list[Route]


def route(subject: Subject, request: PlanRequest) -> Routing:
    """Find the routes of one schedule."""
    schedule = subject.schedule.document if subject.schedule else None
    eligible = eligible_providers(schedule, request.connectors, request.requested)
    return Routing(eligible, resolve_routes(schedule, request.policy, eligible, request.requested))


def decide(
    subject: Subject, judgement: Judgement, routing: Routing, request: PlanRequest, *, now: datetime
) -> list[RouteDecision]:
    """Decide for every route of one schedule whether it is told."""
    schedule = subject.schedule.document if subject.schedule else None
    return decide_routes(routing.routes, judgement.cycle, schedule, request, now=now)


def plan(judgement: Judgement, routing: Routing, decisions: list[RouteDecision]) -> Plan:
    """Write the plan of one schedule."""
    return build_plan(judgement.cycle, judgement.schedule_report, routing.eligible, routing.routes, decisions)


def plan_at_once(subject: Subject, judgement: Judgement, request: PlanRequest, *, now: datetime) -> Plan:
    """Route, decide and plan in one call, where nobody looks at the steps."""
    routing = route(subject, request)
    return plan(judgement, routing, decide(subject, judgement, routing, request, now=now))
