"""The steps that only apply rules, each to the whole fleet at once."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.documents.fleet import Subject
from rollback_drills.planning import steps
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.steps import Routing
from rollback_drills.readiness.judgement import Judgement, find_due, judge_all
from rollback_drills.readiness.terms import Criteria


@task(task_run_name="derive-due", cache_policy=NO_CACHE, persist_result=False)
def derive_due(subjects: Sequence[Subject], now: datetime) -> list[datetime | None]:
    """Find when each schedule's next drill is due."""
    dues = [find_due(subject, now=now) for subject in subjects]
    get_run_logger().info("%d of %d due instants are known", len(dues) - dues.count(None), len(dues))
    return dues


@task(task_run_name="classify-readiness", cache_policy=NO_CACHE, persist_result=False)
def classify_readiness(
    subjects: Sequence[Subject],
    dues: Sequence[datetime | None],
    criteria: Criteria,
    now: datetime,
    generated_by: str,
) -> list[Judgement]:
    """Judge the readiness of each schedule."""
    judgements = judge_all(subjects, criteria, now=now, generated_by=generated_by, dues=dues)
    states = Counter(str(judgement.readiness) for judgement in judgements)
    get_run_logger().info("%s", ", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    return judgements


@task(task_run_name="route-owners", cache_policy=NO_CACHE)
def route_owners(subjects: Sequence[Subject], request: PlanRequest) -> list[Routing]:
    """Find who could be told of each schedule, through what."""
    routings = [steps.route(subject, request) for subject in subjects]
    get_run_logger().info("%d routes", sum(len(routing.routes) for routing in routings))
    return routings


@task(task_run_name="apply-windows", cache_policy=NO_CACHE)
def apply_windows(
    subjects: Sequence[Subject],
    judgements: Sequence[Judgement],
    routings: Sequence[Routing],
    request: PlanRequest,
    now: datetime,
) -> list[list[RouteDecision]]:
    """Decide for each route whether it is told now: health, windows, calendars, recent notifications."""
    decisions = [
        steps.decide(subject, judgement, routing, request, now=now)
        for subject, judgement, routing in zip(subjects, judgements, routings, strict=True)
    ]
    categories = Counter(each.category for some in decisions for each in some)
    get_run_logger().info("%s", ", ".join(f"{count} {name}" for name, count in sorted(categories.items())))
    return decisions


@task(task_run_name="build-plans", cache_policy=NO_CACHE)
def build_plans(
    judgements: Sequence[Judgement],
    routings: Sequence[Routing],
    decisions: Sequence[list[RouteDecision]],
) -> list[Plan]:
    """Write the notification plan of each schedule."""
    plans = [
        steps.plan(judgement, routing, some)
        for judgement, routing, some in zip(judgements, routings, decisions, strict=True)
    ]
    told = sum(plan.deliverable_route_count for plan in plans)
    get_run_logger().info("%d notifications to deliver", told)
    return plans
