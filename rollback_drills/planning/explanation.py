"""Explains a decision as a trace: which drills count, where the due time comes from, which rule decides."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.time_data import TimeData
from rollback_drills.documents.utc import write_instant
from rollback_drills.planning.category import Category
from rollback_drills.planning.decisions import RouteDecision, find_facts, make_context
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import Route
from rollback_drills.planning.suppression_rules import (
    ROUTE_RULES,
    SCHEDULE_RULES,
    Context,
    Suppressed,
    absent,
    distrusted,
    excepted,
    healthy,
    in_window,
    notified_recently,
    undelivered,
)
from rollback_drills.planning.windows_and_absences import matches
from rollback_drills.readiness.acceptance import find_problems
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.due_origin import explain_due
from rollback_drills.readiness.reports import Check
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.times import write_time

EXPLANATION_SCHEMA: Final = "rollback-drills.explanation.v1"


class Question(msgspec.Struct, frozen=True, gc=False):
    """What a rule asks, and its answer where it suppresses nothing."""

    text: str
    passes: str


QUESTIONS: Final[Mapping[Callable[..., Suppressed | None], Question]] = {
    distrusted: Question("is the drill history trusted?", "yes"),
    healthy: Question("does anybody have to be notified?", "yes"),
    excepted: Question("is the cycle skipped, postponed or waived?", "no"),
    in_window: Question("is a maintenance window open?", "no"),
    absent: Question("is the owner absent?", "no"),
    notified_recently: Question("was the owner notified, and is a repeat not due yet?", "no"),
    undelivered: Question("is an earlier notification still to be delivered?", "no"),
}
"""By rule; every rule has one."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The answer of one rule."""

    rule: str
    question: str
    answer: str
    decides: bool


class RouteExplanation(msgspec.Struct, frozen=True, gc=False):
    """Why the owner of a route is notified or not."""

    provider: str
    owner: str
    action: str
    category: Category
    reason: str
    deferred_until: str | None
    change: str
    """What would change the decision."""
    answers: tuple[Answer, ...]
    """The rules in the order in which they are asked; those after the one that decides are not asked."""


class DrillExplanation(msgspec.Struct, frozen=True, gc=False):
    """Whether a drill counts."""

    drill_id: str
    executed_at: str
    accepted: bool
    problems: tuple[str, ...]
    windows: tuple[str, ...]
    """The maintenance windows of the schedule that were open when it was performed."""


class Explanation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The whole decision about one schedule at one time."""

    schema_version: str = EXPLANATION_SCHEMA
    product: str = PRODUCT
    at: str
    schedule_id: str
    cycle_id: str
    status: Readiness
    message: str
    next_due_at: str
    due_because: str
    """Where the due time comes from."""
    drills: tuple[DrillExplanation, ...]
    """The newest first."""
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]
    """What is wrong with the drill history, also if the schedule is ready."""
    routes: tuple[RouteExplanation, ...]
    time_data: TimeData | UnsetType = UNSET
    """With which data windows and absences that recur were found; UNSET if none recurs."""


def explain(check: ScheduleCheck, request: PlanRequest, criteria: Criteria, *, now: datetime) -> Explanation:
    """Explain the check of one schedule, which has decided.

    Args:
        check: With its routes and decisions.
        request: What it was asked for, and what is known of earlier notifications.
        criteria: With how early a drill is due soon.
        now: The instant of the check.
    """
    report, cycle = check.judgement.schedule_report, check.judgement.cycle
    context = make_context(cycle, check.schedule, request, now=now)
    return Explanation(
        at=write_instant(now),
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        status=cycle.status,
        message=report.schedule.message,
        next_due_at=report.schedule.next_due_at,
        due_because=_explain_due(check, now=now),
        drills=tuple(_explain_drills(check, now=now)),
        checks=(*report.checks, *check.judgement.history_report.checks),
        warnings=report.warnings,
        routes=tuple(
            _explain_route(route, decision, context, criteria, report.schedule.next_due_at)
            for route, decision in zip(check.routes, check.decisions, strict=True)
        ),
        time_data=check.time_data,
    )


def _explain_due(check: ScheduleCheck, *, now: datetime) -> str:
    if check.schedule is None:
        return "not known: the schedule cannot be read"
    history = check.subject.history
    because = explain_due(check.schedule, history.document if history else None, now=now)
    change = check.judgement.schedule.change
    if not change or not change.moves_due:
        return because
    days = tidy(check.schedule.redrill_after_change_days)
    return f"$.redrill_after_change_days is {days}, and there is {change.describe()}; without it: {because}"


def _explain_drills(check: ScheduleCheck, *, now: datetime) -> Iterator[DrillExplanation]:
    history = check.subject.history.document if check.subject.history else None
    drills = history.drills if history else ()
    oldest = datetime.min.replace(tzinfo=now.tzinfo)
    for drill in sorted(drills, key=lambda each: each.executed_at or oldest, reverse=True):
        problems = tuple(find_problems(drill, now=now))
        executed_at = write_instant(drill.executed_at) if drill.executed_at else ""
        windows = tuple(_find_windows(check, drill.executed_at)) if drill.executed_at else ()
        yield DrillExplanation(drill.drill_id, executed_at, not problems, problems, windows)


def _find_windows(check: ScheduleCheck, executed_at: datetime) -> Iterator[str]:
    for window in check.schedule.maintenance_windows if check.schedule else ():
        if matches(window.schedule_ids, check.schedule_id) and window.find_occurrence(executed_at):
            yield window.window_id or "without an id"


def _explain_route(
    route: Route, decision: RouteDecision, context: Context, criteria: Criteria, next_due_at: str
) -> RouteExplanation:
    return RouteExplanation(
        decision.provider,
        decision.owner,
        str(decision.action),
        decision.category,
        decision.reason,
        decision.deferred_until,
        _find_change(decision, criteria, next_due_at),
        tuple(_ask(route, context)),
    )


def _ask(route: Route, context: Context) -> Iterator[Answer]:
    """Yield the answers of the rules, up to the one that decides."""
    for of_schedule in SCHEDULE_RULES:
        suppressed = of_schedule(context)
        yield _answer(of_schedule, suppressed)
        if suppressed:
            return
    facts = find_facts(route, context)
    for of_route in ROUTE_RULES:
        suppressed = of_route(facts, context)
        yield _answer(of_route, suppressed)
        if suppressed:
            return


def _answer(rule: Callable[..., Suppressed | None], suppressed: Suppressed | None) -> Answer:
    question = QUESTIONS[rule]
    text = suppressed.reason if suppressed else question.passes
    return Answer(rule.__name__, question.text, text, suppressed is not None)


def _find_change(decision: RouteDecision, criteria: Criteria, next_due_at: str) -> str:
    """Return what would change a decision, as people read it."""
    if decision.is_delivered:
        return "nothing has to change: the owner is notified"
    if decision.deferred_until:
        until = write_time(datetime.fromisoformat(decision.deferred_until))
        return f"can be notified from {until} on"
    if decision.category is Category.HEALTHY_SCHEDULE:
        if not next_due_at:
            return "nobody is notified before a drill is due"
        soon = datetime.fromisoformat(next_due_at) - criteria.due_soon
        return f"notified from {write_time(soon)} on, when the drill is due soon"
    if decision.category is Category.OWNER_CALENDAR:
        return "no end of the absence is known: edit the calendar of the owner"
    return "not known before that has ended"
