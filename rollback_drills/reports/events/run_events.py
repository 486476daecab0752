"""The events of a check, for automations: how ready a schedule is, who is notified, what became of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.notifications.results import Delivery
from rollback_drills.planning.category import Category
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.readiness.states import Readiness
from rollback_drills.redaction.computed import Computed
from rollback_drills.reports.events.event_payloads import (
    CheckPayload,
    DecisionPayload,
    DeliveryPayload,
    Payload,
    ReadinessPayload,
)
from rollback_drills.reports.pages.run_page import ScheduleRun

PREFIX: Final = "cavra.go_backend.rollback_drill"
FLEET: Final = "fleet"
"""Names a check or a gate of several schedules."""
_SAYS_NOTHING_NEW: Final = frozenset({Category.HEALTHY_SCHEDULE, Category.ALREADY_NOTIFIED})
_MOST_RELATED_OWNERS: Final = 20  # Prefect takes 100 related resources, and adds those of the run itself
_ADDRESS: Final = re.compile(r"\b[a-zA-Z][\w+.-]{0,20}://[^\s\"'<>]+")


class RunEvent(msgspec.Struct, frozen=True):
    """Something that a run found or did, of one schedule."""

    name: Computed
    schedule_id: str
    environment: str
    """Empty if the schedule names none."""
    related: tuple[tuple[str, str], ...]
    """Role and id of what else it concerns: its cycle, provider and owners."""
    payload: Payload
    kind: Computed = "schedule"
    """What `schedule_id` names; a gate and a check are named after their schedule, or the fleet."""


def find_check_events(
    runs: Sequence[ScheduleRun], deliveries: Sequence[Delivery], changes: Changes
) -> Iterator[RunEvent]:
    """Yield the events of a check: those of the schedules of which something is new, then every delivery.

    That a schedule is ready is no news in the first check of a population: nobody knew it as anything else.
    """
    wanted = changes.find_news()
    news = (each for each in runs if each.plan.schedule_id in wanted)
    if changes.is_first:
        news = (each for each in news if each.judgement.readiness is not Readiness.READY)
    return find_events(news, deliveries)


def find_events(runs: Iterable[ScheduleRun], deliveries: Sequence[Delivery]) -> Iterator[RunEvent]:
    """Yield the events of a run: for each schedule its readiness and decisions, then every delivery.

    A schedule of which no drill is asked gives no readiness. A route that is quiet because its schedule is
    healthy, or because its owner was notified already, gives no decision.

    Args:
        runs: What was found of each schedule that changed.
        deliveries: Everything the run delivered or could not, also of other schedules and earlier runs.
    """
    for run in runs:
        if run.judgement.readiness is not Readiness.NOT_REQUESTED:
            yield _readiness_event(run)
        for decision in run.plan.route_decisions:
            if decision.category not in _SAYS_NOTHING_NEW:
                yield _decision_event(run, decision)
    yield from map(_delivery_event, deliveries)


def check_event(
    states: Mapping[Readiness, int], changes: Changes, *, name: str = FLEET, delivery_count: int
) -> RunEvent:
    """Return the event that a check has ended, with its counts: an automation can wait for its absence.

    Args:
        states: How many schedules are in each state.
        changes: What changed since the last check.
        name: The id of the only schedule; `FLEET` for several.
        delivery_count: How many notifications the run tried to deliver.
    """
    count = sum(states.values())
    return RunEvent(
        f"{PREFIX}.check.completed",
        name,
        "",
        (),
        CheckPayload(
            schedule_count=count,
            state_counts={str(state): number for state, number in sorted(states.items())},
            changed_count=len(changes.changed),
            unchanged_count=count - len(changes.changed),
            came_count=len(changes.came),
            gone_count=len(changes.gone),
            delivery_count=delivery_count,
        ),
        kind="check",
    )


def _readiness_event(run: ScheduleRun) -> RunEvent:
    schedule, plan = run.judgement.schedule, run.plan
    owners = (("owner", owner) for owner in plan.owners[:_MOST_RELATED_OWNERS])
    return RunEvent(
        f"{PREFIX}.readiness.{plan.status}",
        plan.schedule_id,
        schedule.environment,
        (("cycle", plan.cycle_id), *owners),
        ReadinessPayload(
            schedule_id=plan.schedule_id,
            cycle_id=plan.cycle_id,
            plan_id=plan.plan_id,
            status=plan.status,
            next_due_at=plan.next_due_at,
            alert_level=plan.alert_level,
            reason=plan.reason,
            owners=plan.owners,
            providers=plan.selected_providers,
            days_until_due=schedule.days_until_due,
        ),
    )


def _decision_event(run: ScheduleRun, decision: RouteDecision) -> RunEvent:
    plan = run.plan
    return RunEvent(
        f"{PREFIX}.decision.{decision.action}",
        plan.schedule_id,
        run.judgement.schedule.environment,
        route_of(plan.cycle_id, decision.provider, decision.owner),
        DecisionPayload(
            schedule_id=plan.schedule_id,
            cycle_id=plan.cycle_id,
            plan_id=plan.plan_id,
            status=plan.status,
            next_due_at=plan.next_due_at,
            provider=decision.provider,
            owner=decision.owner,
            action=decision.action,
            category=decision.category,
            reason=decision.reason,
            deferred_until=decision.deferred_until,
            notification_reason=decision.notification_reason,
            notification_id=decision.notification_id,
        ),
    )


def _delivery_event(delivery: Delivery) -> RunEvent:
    notification, verdict, again = delivery.notification, delivery.verdict, delivery.next_attempt_at
    summary = notification.event.get("summary", {})
    return RunEvent(
        f"{PREFIX}.delivery.{delivery.state}",
        notification.schedule_id,
        summary.get("environment", ""),
        route_of(notification.cycle_id, notification.provider, notification.owner),
        DeliveryPayload(
            schedule_id=notification.schedule_id,
            cycle_id=notification.cycle_id,
            plan_id=notification.plan_id,
            status=notification.event.get("status", ""),
            next_due_at=summary.get("next_due_at"),
            provider=notification.provider,
            owner=notification.owner,
            notification_id=notification.notification_id,
            notification_reason=notification.reason,
            title=notification.title,
            outcome=delivery.state,
            error="" if delivery.succeeded else _without_address(verdict.detail),
            status_code=verdict.status_code,
            attempt_count=delivery.attempt_count,
            may_repeat=notification.may_repeat,
            next_attempt_at=write_instant(again) if again else None,
        ),
    )


def route_of(cycle_id: str, provider: str, owner: str) -> tuple[tuple[str, str], ...]:
    """Return what an event of a route concerns."""
    return ("cycle", cycle_id), ("provider", provider), ("owner", owner)


def _without_address(text: str) -> str:
    """Leave out what a provider quoted of an address; the evidence has the redacted original."""
    return _ADDRESS.sub("[address]", text)
