"""Words the notification of one route of a plan."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath

import msgspec

from rollback_drills.documents.plain_json import to_plain
from rollback_drills.names.keys import is_same, name_key
from rollback_drills.notifications.notification import (
    UTC_ZONE,
    Notification,
    write_acknowledge,
    write_acknowledge_schedule,
)
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.event import Event
from rollback_drills.planning.latest_drill_text import describe_latest_drill
from rollback_drills.planning.plan import OwnerRoute, Plan
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.sentences import write_sentences
from rollback_drills.rendering.times import write_minutes


def build_notification(
    schedule_report: ScheduleReport,
    plan: Plan,
    event: Event,
    decision: RouteDecision,
    owner_key: str | None = None,
    time_zone: str = UTC_ZONE,
) -> Notification:
    """Word what the owner of a route reads, now or when a window or absence ends.

    Args:
        schedule_report: The report that the plan was made from.
        plan: The plan.
        event: The event of the plan.
        decision: The decision of the route; it has a notification reason.
        owner_key: What stands for the owner in references of providers; by default the key of the name.
        time_zone: Where the owner works.
    """
    owner, provider, minutes = decision.owner, decision.provider, decision.acknowledgement_minutes
    own_event = msgspec.structs.replace(
        event,
        owners=[owner],
        notification_providers=[provider],
        owner_routes=[OwnerRoute(owner, [provider], minutes, decision.escalation_owner)],
        acknowledge=write_acknowledge(plan.cycle_id, owner),
    )
    return Notification(
        notification_id=decision.notification_id,
        provider=provider,
        owner=owner,
        alert_level=plan.alert_level,
        title=event.title,
        summary=_write_summary(schedule_report, plan),
        facts=tidy_facts(_find_facts(schedule_report, plan, decision)),
        acknowledge=_write_request(plan, decision),
        schedule_id=plan.schedule_id,
        cycle_id=plan.cycle_id,
        plan_id=plan.plan_id,
        event=to_plain(own_event),
        reason=decision.sent_reason,
        route_key=decision.route_key,
        owner_key=name_key(owner) if owner_key is None else owner_key,
        time_zone=time_zone,
    )


def _write_request(plan: Plan, decision: RouteDecision) -> str:
    """Write by when to acknowledge, how, and what happens otherwise."""
    owner, escalation_owner = decision.owner, decision.escalation_owner
    command = write_acknowledge_schedule(plan.schedule_id, owner)
    next_one = (
        "you are notified again" if is_same(owner, escalation_owner) else f"{escalation_owner} is notified"
    )
    within = write_minutes(decision.acknowledgement_minutes)
    return f"Acknowledge within {within}, or {next_one}: {command}"


def tidy_facts(facts: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Return labels and values, each on one line; a fact without a value is left out."""
    return tuple((label, text) for label, value in facts if (text := " ".join(str(value).split())))


def _write_summary(schedule_report: ScheduleReport, plan: Plan) -> str:
    schedule = schedule_report.schedule
    because = schedule.change.explain_due() if schedule.change else ""
    match plan.status:
        case Readiness.DUE_SOON:
            due = f"The next rollback drill is due {schedule.next_due_at}{because}"
            return write_sentences(due, "Perform it and record it", *_find_warnings(schedule_report))
        case Readiness.NEEDS_ATTENTION:
            late = f"the drill was due {schedule.next_due_at}{because}"
            message = _name_files(schedule_report, schedule.message)
            warnings = [each for each in _find_warnings(schedule_report) if each not in message]
            if schedule.next_due_at and message.endswith(f": {late}"):
                message = f"{late}. Perform it and record it"
            return f"Rollback not proven: {write_sentences(message, *warnings)}"
    return "The rollback drill is up to date; somebody requested this notification."


def _find_warnings(schedule_report: ScheduleReport) -> list[str]:
    """Return what is wrong with the documents, as a message has it."""
    return [_name_files(schedule_report, each) for each in schedule_report.warnings]


def _name_files(schedule_report: ScheduleReport, text: str) -> str:
    """Write the names of the documents in place of their paths."""
    for path in (schedule_report.rollback_drill_schedule_path, schedule_report.rollback_drill_history_path):
        if path:
            text = text.replace(path, PurePath(path).name)
    return text


def _find_facts(
    schedule_report: ScheduleReport, plan: Plan, decision: RouteDecision
) -> Iterator[tuple[str, object]]:
    schedule = schedule_report.schedule
    yield "Schedule", plan.schedule_id
    yield "Environment", schedule.environment
    yield "State", plan.status.replace("_", " ")
    yield "Due", schedule.next_due_at or "unknown"
    if schedule.change:
        yield "Not proven since", schedule.change.name_change()
    yield "Latest drill", describe_latest_drill(schedule_report.history)
    yield "Owner", decision.owner
    if not is_same(decision.owner, decision.escalation_owner):
        yield "Escalates to", decision.escalation_owner
    yield "Runbook", schedule.runbook_ref
