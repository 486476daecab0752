"""The steps that only apply rules, each to the whole fleet at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.utilities.annotations import quote

from rollback_drills.documents.subject import DrillKey, Subject
from rollback_drills.planning.fleet_check import FleetCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import find_due, judge_all
from rollback_drills.readiness.states import describe_states
from rollback_drills.rendering.counts import count_each, count_of, write_count


@task(task_run_name="derive-due", cache_policy=NO_CACHE, persist_result=False)
def derive_due(subjects: Sequence[Subject], now: datetime) -> quote:
    """Find when each schedule's next drill is due; quoted, so that Prefect does not look at each."""
    dues = [find_due(subject, now=now) for subject in subjects]
    get_run_logger().info("%s known", count_of(len(dues) - dues.count(None), len(dues), "due time"))
    return quote(dues)


@task(task_run_name="classify-readiness", cache_policy=NO_CACHE, persist_result=False)
def classify_readiness(
    subjects: Sequence[Subject],
    dues: Sequence[datetime | None],
    criteria: Criteria,
    now: datetime,
    generated_by: str,
    elsewhere: Mapping[DrillKey, str] = MappingProxyType({}),
) -> quote:
    """Judge the readiness of each schedule; quoted, so that Prefect does not look at each.

    `elsewhere` has the drills that schedules of other shards use.
    """
    judgements = judge_all(
        subjects, criteria, now=now, generated_by=generated_by, dues=dues, elsewhere=elsewhere
    )
    get_run_logger().info("%s", describe_states(Counter(each.readiness for each in judgements)))
    return quote(judgements)


@task(task_run_name="route-owners", cache_policy=NO_CACHE)
def route_owners(fleet: FleetCheck, request: PlanRequest) -> None:
    """Find who can be notified of each schedule, and through what."""
    for check in fleet.checks:
        check.find_routes(request)
    get_run_logger().info("%s", write_count(sum(len(check.routes) for check in fleet.checks), "route"))


@task(task_run_name="apply-windows", cache_policy=NO_CACHE)
def apply_windows(fleet: FleetCheck, request: PlanRequest, now: datetime) -> None:
    """Decide for each route whether it is notified: health, windows, calendars, recent notifications."""
    for check in fleet.checks:
        check.decide(request, now=now)
    counts = Counter(each.category for check in fleet.checks for each in check.decisions)
    get_run_logger().info("%s", count_each(sorted(counts.items())))


@task(task_run_name="build-plans", cache_policy=NO_CACHE)
def build_plans(fleet: FleetCheck) -> None:
    """Build the notification plan of each schedule."""
    for check in fleet.checks:
        check.build_plan()
    count = sum(plan.deliverable_route_count for plan in fleet.plans)
    get_run_logger().info("%s to deliver", write_count(count, "notification"))
