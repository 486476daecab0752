"""The event of a plan (contract §4): what automations read, and what travels with every notification."""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.names import ids
from rollback_drills.notifications.notification import EVENT_SCHEMA, EVENT_TYPE, write_acknowledge
from rollback_drills.notifications.results import EventReference
from rollback_drills.planning.category import Category
from rollback_drills.planning.escalation_chain import Chain
from rollback_drills.planning.notification_title import title_plan
from rollback_drills.planning.plan import OwnerRoute, Plan
from rollback_drills.readiness.reports import ChangeFacts, ScheduleReport
from rollback_drills.readiness.states import Readiness

_CONTROLS: Final = (
    "The event names no secret, URL or host.",
    "An acknowledgement buys time; only an accepted drill closes the cycle.",
)


class EventSummary(msgspec.Struct, frozen=True, gc=False):
    """The state of the schedule."""

    environment: str
    latest_drill_id: str
    latest_executed_at: str | None
    next_due_at: str | None
    days_until_due: float | None
    stale: bool
    due_soon: bool
    interval_days: float | int | None
    change: ChangeFacts | UnsetType = UNSET
    """What makes the proof stale; UNSET if nothing does."""


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The event of a plan, or of one of its notifications."""

    schema_version: str = EVENT_SCHEMA
    event_type: str = EVENT_TYPE
    event_id: str
    product: str = PRODUCT
    session_id: str
    schedule_id: str
    plan_id: str
    cycle_id: str
    generated_at: str
    generated_by: str
    alert_level: str
    status: Readiness
    mode: str
    title: str
    summary: EventSummary
    owners: list[str]
    notification_providers: list[str]
    owner_routes: list[OwnerRoute]
    runbook_ref: str
    evidence_refs: list[str]
    acknowledge: str
    controls: tuple[str, ...] = _CONTROLS
    evidence_head: str | UnsetType = UNSET
    """The head of the evidence as it was: a copy outside the database."""
    escalation_chain: Chain | UnsetType = UNSET
    """The chain of the owner, frozen as it was."""
    deferred_until: str | UnsetType | None = UNSET
    deferred_by: Category | UnsetType | None = UNSET

    @property
    def reference(self) -> EventReference:
        """What results and records take over."""
        return EventReference(
            self.schedule_id,
            self.cycle_id,
            self.plan_id,
            str(self.status),
            self.event_id,
            self.event_type,
            self.session_id,
            self.generated_at,
        )


def build_event(schedule_report: ScheduleReport, plan: Plan) -> Event:
    """Build the event of a plan."""
    schedule, history = schedule_report.schedule, schedule_report.history
    return Event(
        event_id=ids.event_id(plan.plan_id),
        session_id=ids.delivery_session_id(plan.schedule_id, plan.plan_id),
        schedule_id=plan.schedule_id,
        plan_id=plan.plan_id,
        cycle_id=plan.cycle_id,
        generated_at=plan.generated_at,
        generated_by=plan.generated_by,
        alert_level=plan.alert_level,
        status=plan.status,
        mode=schedule_report.mode,
        title=title_plan(schedule_report, plan),
        summary=EventSummary(
            environment=schedule.environment,
            latest_drill_id=history.latest_drill_id,
            latest_executed_at=history.latest_executed_at,
            next_due_at=schedule.next_due_at,
            days_until_due=schedule.days_until_due,
            stale=schedule.stale,
            due_soon=schedule.due_soon,
            interval_days=schedule.interval_days,
            change=schedule.change,
        ),
        owners=plan.owners,
        notification_providers=plan.selected_providers,
        owner_routes=plan.owner_routes,
        runbook_ref=schedule.runbook_ref,
        evidence_refs=list(history.evidence_refs),
        acknowledge=write_acknowledge(plan.cycle_id, "OWNER"),
    )
