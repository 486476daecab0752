"""Words the notification of one route of a plan."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath

import msgspec
from msgspec import UNSET

from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notification import Notification, write_acknowledge
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.event import Event
from rollback_drills.planning.plan import OwnerRoute, Plan
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.terms import Readiness
from rollback_drills.rendering.relative_time import write_sentences


def build_notification(
    schedule_report: ScheduleReport,
    plan: Plan,
    event: Event,
    decision: RouteDecision,
    owner_key: str | None = None,
) -> Notification:
    """Word what the owner of a route reads, now or when a window or absence ends.

    Args:
        schedule_report: The report that the plan was made from.
        plan: The plan.
        event: The event of the plan.
        decision: The decision of the route; it has a notification reason.
        owner_key: What stands for the owner in references of providers; by default the key of the name.
    """
    owner, provider, minutes = decision.owner, decision.provider, decision.acknowledgement_minutes
    acknowledge = write_acknowledge(plan.cycle_id, owner)
    own_event = msgspec.structs.replace(
        event,
        owners=[owner],
        notification_providers=[provider],
        owner_routes=[OwnerRoute(owner, [provider], minutes, decision.escalation_owner)],
        acknowledge=acknowledge,
    )
    return Notification(
        notification_id=decision.notification_id,
        provider=provider,
        owner=owner,
        alert_level=plan.alert_level,
        title=event.title,
        summary=_write_summary(schedule_report, plan),
        facts=tidy_facts(_find_facts(schedule_report, plan, decision, event)),
        acknowledge=f"Acknowledge within {minutes} minutes: {acknowledge}",
        schedule_id=plan.schedule_id,
        cycle_id=plan.cycle_id,
        plan_id=plan.plan_id,
        event=own_event.to_wire(),
        reason=decision.sent_reason,
        route_key=decision.route_key,
        owner_key=name_key(owner) if owner_key is None else owner_key,
    )


def tidy_facts(facts: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Return labels and values, each on one line; a fact without a value is left out."""
    return tuple((label, text) for label, value in facts if (text := " ".join(str(value).split())))


def _write_summary(schedule_report: ScheduleReport, plan: Plan) -> str:
    schedule = schedule_report.schedule
    match plan.status:
        case Readiness.DUE_SOON:
            due = f"The next rollback drill is due {schedule.next_due_at}"
            return write_sentences(due, "Perform it and record it", *_find_warnings(schedule_report))
        case Readiness.NEEDS_ATTENTION:
            message = _name_files(schedule_report, schedule.message)
            warnings = [each for each in _find_warnings(schedule_report) if each not in message]
            return f"Rollback not proven: {write_sentences(message, *warnings)}"
    return "The rollback drill is up to date; somebody requested this notification."


def _find_warnings(schedule_report: ScheduleReport) -> list[str]:
    """Return what is wrong with the drill history, as a message has it."""
    return [_name_files(schedule_report, each) for each in schedule_report.warnings]


def _name_files(schedule_report: ScheduleReport, text: str) -> str:
    """Write the names of the documents in place of their paths."""
    for path in (schedule_report.rollback_drill_schedule_path, schedule_report.rollback_drill_history_path):
        if path:
            text = text.replace(path, PurePath(path).name)
    return text


def _find_facts(
    schedule_report: ScheduleReport, plan: Plan, decision: RouteDecision, event: Event
) -> Iterator[tuple[str, object]]:
    schedule, history = schedule_report.schedule, schedule_report.history
    yield "Schedule", plan.schedule_id
    yield "Environment", schedule.environment
    yield "State", plan.status.replace("_", " ")
    yield "Due", schedule.next_due_at or "unknown"
    yield "Latest drill", " ".join(filter(None, (history.latest_drill_id, history.latest_executed_at)))
    yield "Owner", decision.owner
    yield "Escalates to", decision.escalation_owner
    yield "Runbook", schedule.runbook_ref
    yield "Plan", plan.plan_id
    yield "Cycle", plan.cycle_id
    yield "Evidence head", "" if event.evidence_head is UNSET else event.evidence_head
