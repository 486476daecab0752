"""What one owner is told through one provider, before any provider's format: facts and event."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from rollback_drills import PRODUCT, ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.reasons import Reason
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.terms import Readiness, Report
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.relative_time import write_sentences

EVENT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification.v1"
EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.notification"
_EVENT_CONTROLS: Final = (
    "The event names no secret, URL or host.",
    "An acknowledgement buys time; only an accepted drill closes the cycle.",
)


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for one route. Every connector renders the same facts in its own format."""

    notification_id: str
    """Idempotency key, `gordmsg-<16 hex>`: the same over every attempt."""
    provider: str
    owner: str
    alert_level: str
    """`critical`, `warning` or `healthy`."""
    title: str
    """One line without line breaks, such as `Rollback drill overdue: payments (production)`."""
    summary: str
    """One or two sentences: what is the matter and what to do."""
    facts: tuple[tuple[str, str], ...]
    """Label and value, in reading order; no value is empty."""
    acknowledge: str
    """How to acknowledge, in one sentence."""
    schedule_id: str
    cycle_id: str
    plan_id: str
    event: Mapping[str, Any]
    """The event document of contract §4 for this owner and provider alone (contract §8.16)."""
    reason: Reason = Reason.FIRST
    may_repeat: bool = False
    """Whether an earlier attempt was sent without an answer, so that this one may be the second to arrive."""
    route_key: str = ""
    """Empty in notifications of before; then provider and owner were hashed as they are spelt."""
    owner_key: str = ""
    """What stands for the owner in references of providers; empty in notifications of before: the owner."""
    earlier_ref: str = ""
    """What the provider called the item that it made for this route in this cycle; empty if it named none."""

    @property
    def route(self) -> str:
        """The key of its route."""
        return self.route_key or ids.spelt_route_key(self.cycle_id, self.provider, self.owner)

    @property
    def is_closing(self) -> bool:
        """Whether it closes what an earlier notification of the route has opened."""
        return self.reason is Reason.RESOLVED

    @property
    def footer(self) -> str:
        """Identify the message in one line, for readers where the provider cannot tell repeats apart."""
        repeats = "; it may repeat a message that was sent before" if self.may_repeat else ""
        return f"Notification {self.notification_id} ({self.reason}{repeats})"


def build_event(schedule_report: ScheduleReport, plan: Report) -> Report:
    """Build the event of a plan (contract §4)."""
    schedule, history = schedule_report.schedule, schedule_report.history
    return {
        "schema_version": EVENT_SCHEMA,
        "event_type": EVENT_TYPE,
        "event_id": ids.event_id(plan["plan_id"]),
        "product": PRODUCT,
        "session_id": ids.delivery_session_id(plan["schedule_id"], plan["plan_id"]),
        "schedule_id": plan["schedule_id"],
        "plan_id": plan["plan_id"],
        "cycle_id": plan["cycle_id"],
        "generated_at": plan["generated_at"],
        "generated_by": plan["generated_by"],
        "alert_level": plan["alert_level"],
        "status": plan["status"],
        "mode": schedule_report.mode,
        "title": _title(schedule_report, plan),
        "summary": {
            "environment": schedule.environment,
            "latest_drill_id": history.latest_drill_id,
            "latest_executed_at": history.latest_executed_at,
            "next_due_at": schedule.next_due_at,
            "days_until_due": schedule.days_until_due,
            "stale": schedule.stale,
            "due_soon": schedule.due_soon,
            "interval_days": schedule.interval_days,
        },
        "owners": plan["owners"],
        "notification_providers": plan["selected_providers"],
        "owner_routes": plan["owner_routes"],
        "runbook_ref": schedule.runbook_ref,
        "evidence_refs": list(history.evidence_refs),
        "acknowledge": write_acknowledge(plan["cycle_id"], "OWNER"),
        "controls": list(_EVENT_CONTROLS),
    }


def write_acknowledge(cycle_id: str, owner: str) -> str:
    """Write the command by which an owner acknowledges all that this owner was told in a cycle."""
    return write_command("ack", cycle=cycle_id, owner=owner, by="YOU")


def build_notification(
    schedule_report: ScheduleReport,
    plan: Report,
    event: Report,
    decision: Mapping[str, Any],
    owner_key: str | None = None,
) -> Notification:
    """Word what one route of a plan is told, or would be if nothing kept it back.

    Args:
        schedule_report: The report that the plan was made from.
        plan: The plan.
        event: The event of the plan.
        decision: The decision of the route; it has a notification reason.
        owner_key: What stands for the owner in references of providers; by default the key of the name.
    """
    owner, provider = decision["owner"], decision["provider"]
    is_told = decision["action"] == "deliver"
    route = {
        "owner": owner,
        "providers": [provider],
        "acknowledgement_minutes": decision["acknowledgement_minutes"],
        "escalation_owner": decision["escalation_owner"],
    }
    acknowledge = write_acknowledge(plan["cycle_id"], owner)
    return Notification(
        notification_id=name_notification(decision),
        provider=provider,
        owner=owner,
        alert_level=plan["alert_level"],
        title=event["title"],
        summary=_summary(schedule_report, plan),
        facts=tuple(
            (label, text)
            for label, value in _facts(schedule_report, plan, decision, event.get("evidence_head", ""))
            if (text := " ".join(str(value).split()))
        ),
        acknowledge=f"Acknowledge within {decision['acknowledgement_minutes']} minutes: {acknowledge}",
        schedule_id=plan["schedule_id"],
        cycle_id=plan["cycle_id"],
        plan_id=plan["plan_id"],
        event={
            **event,
            "owners": [owner],
            "notification_providers": [provider],
            "owner_routes": [route],
            "acknowledge": acknowledge,
        },
        reason=Reason(decision["notification_reason"]) if is_told else Reason.DEFERRED,
        route_key=decision["route_key"],
        owner_key=name_key(owner) if owner_key is None else owner_key,
    )


def _title(schedule_report: ScheduleReport, plan: Report) -> str:
    schedule = schedule_report.schedule
    overdue = not schedule.valid and schedule.next_due_at and schedule.stale
    what = {
        Readiness.DUE_SOON: "due soon",
        Readiness.NEEDS_ATTENTION: "overdue" if overdue else "needs attention",
    }.get(Readiness(plan["status"]), "ready")
    where = f" ({schedule.environment})" if schedule.environment else ""
    return " ".join(f"Rollback drill {what}: {plan['schedule_id']}{where}".split())


def _summary(schedule_report: ScheduleReport, plan: Report) -> str:
    schedule = schedule_report.schedule
    match Readiness(plan["status"]):
        case Readiness.DUE_SOON:
            due = f"The next rollback drill is due {schedule.next_due_at}"
            return write_sentences(due, "Perform it and record it", *_find_warnings(schedule_report))
        case Readiness.NEEDS_ATTENTION:
            message = _name_files(schedule_report, schedule.message)
            warnings = [each for each in _find_warnings(schedule_report) if each not in message]
            return f"The rollback is not proven: {write_sentences(message, *warnings)}"
    return "The rollback drill is up to date; this notification was asked for by hand."


def _find_warnings(schedule_report: ScheduleReport) -> list[str]:
    """Return what is wrong with the drill history, as a message has it."""
    return [_name_files(schedule_report, each) for each in schedule_report.warnings]


def _name_files(schedule_report: ScheduleReport, text: str) -> str:
    """Write the names of the documents in place of their paths."""
    for path in (schedule_report.rollback_drill_schedule_path, schedule_report.rollback_drill_history_path):
        if path:
            text = text.replace(path, PurePath(path).name)
    return text


def _facts(
    schedule_report: ScheduleReport, plan: Report, decision: Mapping[str, Any], evidence_head: str
) -> Iterator[tuple[str, object]]:
    schedule, history = schedule_report.schedule, schedule_report.history
    yield "Schedule", plan["schedule_id"]
    yield "Environment", schedule.environment
    yield "State", plan["status"].replace("_", " ")
    yield "Due", schedule.next_due_at or "unknown"
    yield "Latest drill", " ".join(filter(None, (history.latest_drill_id, history.latest_executed_at)))
    yield "Owner", decision["owner"]
    yield "Escalates to", decision["escalation_owner"]
    yield "Runbook", schedule.runbook_ref
    yield "Plan", plan["plan_id"]
    yield "Cycle", plan["cycle_id"]
    yield "Evidence head", evidence_head


def name_notification(decision: Mapping[str, Any]) -> str:
    """Give the id of what a decision puts into the outbox: a notification, or the place of one kept back.

    Empty if it puts nothing there.
    """
    reason = decision["notification_reason"]
    if reason is None:
        return ""
    kept_back = decision["action"] != "deliver"
    return ids.notification_id(
        decision["route_key"], Reason.DEFERRED if kept_back else reason, decision["occurrence"]
    )
